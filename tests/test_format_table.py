"""format_table: which photos are asked about, how large a format is, and how the table says it."""

from pathlib import Path

import pandas as pd
from huskies.exports import format_table

ROW = {"file": "model.onnx", "megabytes": 5.72, "photos": 9, "same_label": 1.0, "same_none_of_these": 0.9}


def test_at_most_a_hundred_photos_are_asked_about_from_the_first_to_the_last():
    photos = pd.DataFrame({"file": [f"{each}.jpg" for each in range(1000)], "sha256": "0"})
    chosen = [path.name for path, _ in format_table.spread(photos, Path("split"))]
    assert len(chosen) == 100
    assert (chosen[0], chosen[-1]) == ("0.jpg", "999.jpg")
    assert len(format_table.spread(photos.head(3), Path("split"))) == 3


def test_the_size_of_an_xml_has_its_weights_and_that_of_a_folder_all_that_is_in_it(tmp_path):
    for name, bytes_in_it in {"a.xml": 1, "a.bin": 10, "a.onnx": 100, "saved/a": 1000, "saved/b/c": 10000}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(bytes(bytes_in_it))
    assert [format_table.size(tmp_path / name) for name in ("a.xml", "a.onnx", "saved")] == [11, 100, 11000]


def test_the_table_says_what_is_left_out_and_why_and_speeds_only_where_they_are_given():
    compared = pd.DataFrame([{**ROW, "largest_difference": 0.0123}])
    left_out = {"model.tflite": "no operation Erfc"}
    assert format_table.table(compared, left_out).split("\n") == [
        "                          MB   same label   same none of these   largest difference",
        "model.onnx               5.7       100.0%                90.0%               0.0123",
        "asked about 9 photos, beside the classifier itself; the difference is one of probabilities",
        "left out: model.tflite, for no operation Erfc",
    ]
    head, row, *_ = format_table.table(compared, left_out, {"model.onnx": 123.4}).split("\n")
    assert head.endswith("   photos a second")
    assert row.endswith("               123")
