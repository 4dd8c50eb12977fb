"""folder: a classifier is read as it was written, and what is not one, or not all of one, is refused in plain words."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from finals import edit
from huskies import receipt
from huskies.errors import HuskyError
from huskies.model import folder
from huskies.model.classifier import Classifier
from huskies.model.neighbours import directions

AGAIN = "Get the whole folder again (dvc pull, or snakemake --cores all final)."
NUMBERS = {
    "labels": ["cat", "dög"],
    "weights": "backbone.weights.h5",
    "backbone": {"name": "MobileNet", "weights": "mini.weights.h5"},
}


@pytest.fixture
def place(tmp_path) -> Path:
    found = tmp_path / "final"
    found.mkdir()
    (found / "backbone.weights.h5").write_bytes(b"weights")
    sizes = {"kernel": (3, 2), "bias": 2, "discriminants": (3, 1), "offset": 1, "means": (2, 1), "inverse": (1, 1)}
    head = Classifier(**{name: np.ones(size) for name, size in sizes.items()})
    photos = pd.DataFrame({"file": ["a"], "label": ["cat"], "source": ["cat/a.png"], "sha256": ["0"]})
    folder.write(found, head, directions(np.ones((1, 3), np.float32)), photos, NUMBERS)
    receipt.write(found, {"stage": "final"})
    return found


def refusal(place: Path) -> str:
    with pytest.raises(HuskyError) as error:
        folder.read(place)
    return str(error.value).replace(str(place), "FINAL")


def test_what_was_written_is_read_wherever_it_lies(place, tmp_path):
    moved = shutil.move(place, tmp_path / "elsewhere")
    (moved / "notes.txt").write_text("what somebody put there")
    found = folder.read(moved)
    assert found.labels == ["cat", "dög"]
    assert found.classifier.kernel.tolist() == [[1, 1]] * 3
    assert found.backbone == {"name": "MobileNet", "weights": str(moved / "backbone.weights.h5")}
    assert found.photos["source"].tolist() == ["cat/a.png"]


def test_the_same_bytes_are_written_again(place, tmp_path):
    before = (place / folder.ARRAYS).read_bytes()
    with np.load(place / folder.ARRAYS) as arrays:
        head = Classifier(**dict(arrays))
    folder.write(tmp_path, head, np.ones((1, 3), np.float16), pd.DataFrame(), NUMBERS)
    assert (tmp_path / folder.ARRAYS).read_bytes() == before


def test_a_folder_without_a_classifier_is_none(tmp_path):
    assert refusal(tmp_path).endswith("is no classifier: it has no final.json. Make one: snakemake --cores all final")


def test_another_format_is_refused_with_both_numbers(place):
    edit(place, format=2)
    assert refusal(place) == (
        "FINAL is of format 2, and this version reads 1. Use the version of Two Huskies that made it, or make it "
        "again: snakemake --cores all final"
    )


@pytest.mark.parametrize("content", ["", "{", "[]", "{}"])
def test_half_a_description_cannot_be_read(place, content):
    (place / "final.json").write_text(content)
    assert refusal(place) == f"FINAL/final.json cannot be read. {AGAIN}"


@pytest.mark.parametrize(
    "part", ["classifier.npz", "neighbours.npy", "photos.csv", "labels.txt", "backbone.weights.h5"]
)
def test_half_a_folder_names_what_it_lacks(place, part):
    (place / part).unlink()
    assert refusal(place) == f"FINAL is half a classifier: it lacks {part}. {AGAIN}"


def test_a_folder_without_its_receipt_is_half_of_one(place):
    next(place.glob("receipt-*")).unlink()
    assert refusal(place) == f"FINAL is half a classifier: it lacks its receipt, which tells its files. {AGAIN}"


@pytest.mark.parametrize("part", ["classifier.npz", "labels.txt", "backbone.weights.h5"])
def test_a_part_that_was_changed_is_named(place, part):
    content = bytearray((place / part).read_bytes())
    content[-1] ^= 1
    (place / part).write_bytes(content)
    assert refusal(place) == f"FINAL is not as its receipt says: {part}. {AGAIN}"


def test_parts_with_different_labels_are_refused(place):
    edit(place, labels=["cat", "dög", "emu"])
    assert refusal(place) == (
        f"the parts of FINAL have different labels: labels.txt 2, final.json 3, classifier.npz 2. {AGAIN}"
    )


@pytest.mark.parametrize("changed", [{"weights": "../other.h5"}, {"backbone": {"name": "open"}}])
def test_a_folder_that_names_what_lies_outside_is_refused(place, changed):
    edit(place, **changed)
    assert refusal(place) == f"FINAL/final.json names what no such folder has. {AGAIN}"


def test_nothing_in_it_is_unpickled(place):
    np.save(place / folder.DIRECTIONS, np.array([json.loads], object), allow_pickle=True)
    receipt.write(place, {"stage": "final"})
    with pytest.raises(ValueError, match="allow_pickle=False"):
        folder.read(place)
