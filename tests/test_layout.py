"""Folders name classes and the parts of a set that is already split, and doubts are refused."""

import unicodedata

import pytest
from huskies.errors import HuskyError
from huskies.images import layout

SPLIT = ["train/cat/1.jpg", "train/dog/2.jpg", "test/cat/3.jpg", "test/dog/4.jpg"]


def refusal(images: list[str], labels: dict[str, str] | None = None) -> str:
    with pytest.raises(HuskyError) as error:
        layout.parts("photos", images, labels)
    return str(error.value)


@pytest.mark.parametrize(
    ("folder", "part"),
    [
        ("train", "train"),
        ("TRAINING", "train"),
        ("valid", "val"),
        ("Validation_data", "val"),
        ("seg_test", "test"),
        ("Test set", "test"),
        ("testing-images", "test"),
        ("", ""),
        ("set", ""),
        ("cat", ""),
        ("test tube", ""),
        ("train_test_split", ""),
        ("training1", ""),
    ],
)
def test_a_folder_is_a_part_if_nothing_but_that_is_in_its_name(folder, part):
    assert layout.part_of(folder) == part


def test_a_label_has_its_accents_composed():
    assert layout.label_of(unicodedata.normalize("NFD", "café")) == "café"
    assert layout.label_of(" Cat ") == " Cat "


@pytest.mark.parametrize(
    ("telling", "tables", "folder"),
    [
        ([], [], ""),
        (["a.jpg"], [], ""),
        (["cat/1.jpg", "dog/2.jpg"], [], ""),
        (["cat/1.jpg", "cat/2.jpg"], [], ""),
        (["photos/cat/1.jpg", "photos/dog/2.jpg"], [], "photos/"),
        (["photos/photos/cat/1.jpg", "photos/photos/dog/2.jpg"], [], "photos/photos/"),
        (["photos/cat/1.jpg"], [], "photos/"),
        (["photos/cat/1.jpg", "photos/2.jpg"], [], ""),
        (["photos/1.jpg", "photos/t.csv"], ["photos/t.csv"], "photos/"),
        (["photos/sub/1.jpg", "photos/t.csv"], ["photos/t.csv"], "photos/"),
        (["photos/1.jpg", "t.csv"], ["t.csv"], ""),
    ],
)
def test_the_folder_around_everything_is_found_and_a_class_is_none(telling, tables, folder):
    assert layout.wrapper(telling, tables) == folder


def test_each_image_of_a_split_set_has_its_part_and_its_label():
    assert layout.parts("photos", SPLIT) == {
        "train/cat/1.jpg": ("train", "cat"),
        "train/dog/2.jpg": ("train", "dog"),
        "test/cat/3.jpg": ("test", "cat"),
        "test/dog/4.jpg": ("test", "dog"),
    }


def test_a_part_may_be_wrapped_once_more():
    images = ["seg_train/seg_train/cat/1.jpg", "seg_train/seg_train/dog/2.jpg", "seg_val/cat/in/3.jpg"]
    assert list(layout.parts("photos", images).values()) == [("train", "cat"), ("train", "dog"), ("val", "cat")]


def test_a_class_may_be_called_like_its_part():
    images = ["train/train/1.jpg", "train/train/old/2.jpg", "train/bus/3.jpg", "test/train/4.jpg"]
    assert list(layout.parts("photos", images).values()) == [
        ("train", "train"),
        ("train", "train"),
        ("train", "bus"),
        ("test", "train"),
    ]


def test_the_labels_of_a_table_count_and_not_the_folders():
    labels = {"train/1.jpg": "cat", "val/x/2.jpg": "cat"}
    assert layout.parts("photos", list(labels), labels) == {
        "train/1.jpg": ("train", "cat"),
        "val/x/2.jpg": ("val", "cat"),
    }


@pytest.mark.parametrize(
    "images",
    [
        [],
        ["1.jpg", "2.jpg"],
        ["cat/1.jpg", "dog/2.jpg"],
        ["train/1.jpg", "bus/2.jpg"],
        ["train/old/1.jpg", "train/new/2.jpg", "bus/3.jpg"],
        ["cat/test/1.jpg", "dog/test/2.jpg"],
    ],
)
def test_class_folders_are_no_split_set_and_a_train_may_be_a_class(images):
    assert layout.parts("photos", images) == {}


def test_a_doubt_is_refused_with_what_is_there_and_the_way_out():
    assert refusal([*SPLIT, "owl/5.jpg"]) == (
        "photos looks like a set that is already split, but there are other folders beside it (owl): owl/ with "
        "1 images; test/ with cat/, dog/; train/ with cat/, dog/. Such a set has nothing but the folders train/ and "
        "test/, val/ or both, each with class folders of the same names. Make it so, put all images into class "
        "folders, or rename a class folder that only happens to be called like a part."
    )


@pytest.mark.parametrize(
    ("images", "reason"),
    [
        ([*SPLIT, "test/5.jpg"], "some images lie in no class folder: test/ with cat/, dog/; "),
        ([*SPLIT, "testing/cat/5.jpg"], "two folders are the same part: "),
        ([*SPLIT, "test/owl/5.jpg"], "test has classes that train has not (owl): "),
        (["val/cat/1.jpg", "test/cat/2.jpg"], "there is nothing to train on: "),
        (["train/cat/1.jpg", "cat/2.jpg"], "there are other folders beside it (cat): "),
        (["train/train/1.jpg", "test/test/2.jpg"], "there is nothing to train on: test/ with 1 images; "),
    ],
)
def test_every_doubt_is_named(images, reason):
    assert refusal(images).startswith(f"photos looks like a set that is already split, but {reason}")


def test_an_image_of_a_table_beside_the_parts_is_a_doubt():
    labels = {"train/1.jpg": "cat", "test/2.jpg": "cat", "3.jpg": "cat"}
    reason = "there are images beside its folders: test/ with 1 images; train/ with 1 images. "
    assert refusal(list(labels), labels).startswith(f"photos looks like a set that is already split, but {reason}")
