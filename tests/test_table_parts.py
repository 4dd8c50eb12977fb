"""table_parts: a table says which part of a set that is already split an image is in, or it is refused."""

import pytest
from huskies.errors import HuskyError
from huskies.images import table_parts
from huskies.images.labelled import RawImage

PARTS = ["train", "train", "val", "test"]


def images(values: list[str], column: str = "split", labels: str = "abab") -> list[RawImage]:
    return [
        RawImage(f"{number}.jpg", label, {column: value})
        for number, (value, label) in enumerate(zip(values, labels, strict=True))
    ]


def told(found: list[RawImage], tables: list[str] | None = None) -> list[str]:
    listed_in = dict(zip((each.source for each in found), tables or ["labels.csv"] * len(found), strict=True))
    parts = table_parts.parts("photos", found, listed_in)
    return [parts[each.source] for each in found] if parts else []


def refusal(found: list[RawImage], tables: list[str] | None = None) -> str:
    with pytest.raises(HuskyError) as error:
        told(found, tables)
    return str(error.value)


@pytest.mark.parametrize("column", ["split", "Split", "data_set", "Subset", "partition", "Usage"])
@pytest.mark.parametrize(
    "values", [PARTS, ["Training", "training ", "Valid", "TEST"], ["train", "train", "validation", "testing"]]
)
def test_a_column_says_the_part_however_it_is_spelled(column, values):
    assert told(images(values, column)) == PARTS


@pytest.mark.parametrize(
    ("values", "column"),
    [(PARTS, "source"), (["a", "b", "a", "b"], "split"), (["train"] * 4, "split"), (["vidir_modern"] * 4, "dataset")],
)
def test_another_column_and_one_that_holds_nothing_back_say_nothing(values, column):
    assert told(images(values, column)) == []


@pytest.mark.parametrize(
    ("tables", "expected"),
    [
        (["train.csv", "train.csv", "lists/valid.csv", "test_set.tsv"], PARTS),
        (["train.csv", "train.csv", "more.csv", "test.csv"], []),
        (["train.csv"] * 4, []),
    ],
)
def test_a_table_for_each_part_says_it_by_its_name(tables, expected):
    assert told(images([""] * 4), tables) == expected


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (
            ["train", "train", "val", "extra"],
            "photos/labels.csv: the column 'split' says train, val or test of some images, and 'extra' of 3.jpg. Say "
            "one of the three of each image, or rename the column.",
        ),
        (
            ["train", "", "val", "test"],
            "photos/labels.csv: the column 'split' says train, val or test of some images, and '' of 1.jpg.",
        ),
        (
            ["val", "test", "val", "test"],
            "photos: its tables say test, val of all images, and train of none. Fix them.",
        ),
        (
            ["train", "val", "train", "test"],
            "photos: its tables have classes in val that have no image in train (b). Say train of some of their "
            "images, or leave these classes out.",
        ),
    ],
)
def test_what_is_not_plain_is_refused(values, said):
    assert refusal(images(values)).startswith(said)


def test_columns_that_disagree_are_refused():
    found = [
        RawImage(each.source, each.label, {**each.extra, "usage": "train" if each.source == "3.jpg" else value})
        for each, value in zip(images(PARTS), PARTS, strict=True)
    ]
    assert refusal(found) == (
        "photos/labels.csv: one column says test of 3.jpg, and 'usage' says train of it. Remove or rename one of the "
        "columns."
    )
