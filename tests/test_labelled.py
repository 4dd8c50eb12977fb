"""labelled: each row of a table is about one image, and each image has one row; the rest is in test_raw."""

import pytest
from huskies.errors import HuskyError
from huskies.images import labelled
from huskies.images.labelled import RawImage

TABLES = {
    "train.csv": b"file,label,camera\n1.jpg,a,old\n2.jpg,b,new\n",
    "test.csv": b"file,label\n3.jpg,a\n",
}


def by_tables(tables: dict[str, bytes], pictures: list[str]) -> tuple[list[RawImage], list[str]]:
    return labelled.by_tables("photos", list(tables), pictures, tables.__getitem__)


def test_images_have_the_columns_of_all_tables_and_the_part_that_these_are_called_after():
    images, notes = by_tables(TABLES, ["1.jpg", "2.jpg", "3.jpg"])
    assert images == [
        RawImage("1.jpg", "a", {"camera": "old"}, "train"),
        RawImage("2.jpg", "b", {"camera": "new"}, "train"),
        RawImage("3.jpg", "a", {"camera": ""}, "test"),
    ]
    assert notes == ["labels from train.csv", "labels from test.csv"]


def test_an_image_that_two_tables_list_is_refused():
    twice = {**TABLES, "more.csv": b"file,label\n1.jpg,b\n"}
    with pytest.raises(HuskyError, match=r"photos: 1\.jpg is listed in train\.csv and in more\.csv\. Keep one"):
        by_tables(twice, ["1.jpg", "2.jpg", "3.jpg"])
