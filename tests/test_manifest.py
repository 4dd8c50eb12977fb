"""Manifests: text in, the same text out, in one order."""

import pandas as pd
import pytest
from huskies.errors import HuskyError
from huskies.images import manifest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

VALUE = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=12),
    st.sampled_from(["NA", "nan", "NULL", "007", "1e5", "1.0", "True", " ", '"', "a,b", "a\r\nb", "a\nb", "-"]),
)


def test_the_columns_are_the_contract():
    assert manifest.COLUMNS == ["file", "label", "split", "group", "source_sha256", "copy", "sha256"]
    assert list(manifest.make([]).columns) == manifest.COLUMNS


def test_a_manifest_is_sorted_by_file_whatever_the_order_of_its_rows(tmp_path):
    rows = [{"file": "b/1.jpg", "label": "b"}, {"file": "a/2.jpg", "label": "a"}, {"file": "a/10.jpg", "label": "a"}]
    manifest.write(manifest.make(rows), tmp_path / "there.csv")
    manifest.write(manifest.make(rows[::-1]), tmp_path / "back.csv")

    expected = b"file,label,split,group,source_sha256,copy,sha256\na/10.jpg,a,,,,,\na/2.jpg,a,,,,,\nb/1.jpg,b,,,,,\n"
    assert (tmp_path / "there.csv").read_bytes() == (tmp_path / "back.csv").read_bytes() == expected


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(VALUE, VALUE, VALUE), max_size=5))
def test_every_text_survives_the_trip(tmp_path, values):
    rows = [
        {"file": f"{number:03}", "label": label, "group": group, "note": note}
        for number, (label, group, note) in enumerate(values)
    ]
    manifest.write(manifest.make(rows, ["note"]), tmp_path / "m.csv")
    read = manifest.read(tmp_path / "m.csv")

    assert list(read.columns) == [*manifest.COLUMNS, "note"]
    assert [tuple(row) for row in read[["label", "group", "note"]].to_numpy()] == values


def test_absent_values_are_empty_text(tmp_path):
    manifest.write(manifest.make([{"file": "a", "copy": "3"}, {"file": "b"}], ["more"]), tmp_path / "m.csv")
    read = manifest.read(tmp_path / "m.csv")
    assert read["copy"].tolist() == ["3", ""]
    assert read["more"].tolist() == ["", ""]


def test_a_manifest_without_rows_keeps_its_columns(tmp_path):
    manifest.write(manifest.make([], ["source"]), tmp_path / "m.csv")
    read = manifest.read(tmp_path / "m.csv")
    assert read.empty
    assert list(read.columns) == [*manifest.COLUMNS, "source"]
    assert isinstance(read, pd.DataFrame)


def test_a_missing_manifest_says_what_to_delete(tmp_path):
    with pytest.raises(HuskyError) as refusal:
        manifest.read(tmp_path / "split" / "manifest.csv")
    folder = tmp_path / "split"
    expected = f"{folder}/manifest.csv is missing. Delete the folder {folder} and run the same command again."
    assert str(refusal.value) == expected
