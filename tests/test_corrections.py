"""Tests of corrections.csv: labels that a person corrects, and photos that go."""

from pathlib import Path

import pytest
from huskies.errors import HuskyError
from huskies.images import corrections
from huskies.images.labelled import RawImage

IMAGES = [RawImage("cat/1.png", "cat"), RawImage("cat/2.png", "cat"), RawImage("dog/1.png", "dog", {"group": "a"})]


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def corrected(text: str) -> tuple[list[tuple[str, str]], list[str]]:
    """Return (source and label of each image, lines) as a file of this text corrects them."""
    corrections.PATH.write_text(text, encoding="utf-8")
    images, said = corrections.apply(IMAGES, corrections.read())
    return [(each.source, each.label) for each in images], said


def refusal(text: str) -> str:
    with pytest.raises(HuskyError) as refused:
        corrected(text)
    return str(refused.value)


def test_a_file_that_is_begun_corrects_nothing_and_an_old_one_stays():
    corrections.begin()
    assert corrections.PATH.read_text() == "file,label\n"
    assert corrected("file,label\n") == ([("cat/1.png", "cat"), ("cat/2.png", "cat"), ("dog/1.png", "dog")], [])
    corrections.PATH.write_text("file,label\ncat/1.png,dog\n")
    corrections.begin()
    assert len(corrections.read()) == 1


def test_a_label_is_changed_and_a_photo_goes():
    text = "file,label\ncat/1.png,dog\ncat/2.png,drop\n"
    assert "leaves the class 'cat' without an image" in refusal(text)
    images = [*IMAGES, RawImage("cat/3.png", "cat")]
    found, said = corrections.apply(images, corrections.read())
    assert [(each.source, each.label) for each in found] == [
        ("cat/1.png", "dog"),
        ("dog/1.png", "dog"),
        ("cat/3.png", "cat"),
    ]
    assert said == ["corrections.csv: 1 labels changed (cat/1.png), 1 photos left out (cat/2.png)"]


def test_what_else_a_table_says_is_left_alone():
    text = "score,label,file,reason\n0.9,dog,cat/1.png,looks like one\n"
    images, said = corrected(text)
    assert images[0] == ("cat/1.png", "dog")
    assert said == ["corrections.csv: 1 labels changed (cat/1.png)"]


def test_other_columns_of_the_photo_stay():
    corrections.PATH.write_text("file,label\ndog/1.png,cat\n")
    with pytest.raises(HuskyError):
        corrections.apply(IMAGES, corrections.read())
    images, _ = corrections.apply([*IMAGES, RawImage("dog/2.png", "dog")], corrections.read())
    assert images[2] == RawImage("dog/1.png", "cat", {"group": "a"})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "file,label\ncat/3.png,dog\n",
            "corrections.csv, line 2: there is no image cat/3.png. Did you mean 'cat/2.png'? Fix it, "
            "or delete the line.",
        ),
        (
            "file,label\ncat/1.png,dgo\n",
            "corrections.csv, line 2: there is no class 'dgo'. Did you mean 'dog'? Write one that there is, or drop.",
        ),
        (
            "file,label\ncat/1.png,dog\n\ncat/1.png,drop\n",
            "corrections.csv, line 4: line 2 is of cat/1.png, too. Delete one.",
        ),
        ("file,label\ncat/1.png,\n", "corrections.csv, line 2: the label is empty. Fill it in, or delete the line."),
        ("file,label\n,dog\n", "corrections.csv, line 2: the file is empty. Fill it in, or delete the line."),
        ("name,label\ncat/1.png,dog\n", "corrections.csv has no column file. Its first line is to be file,label"),
        ("", "corrections.csv has no column file. Its first line is to be file,label"),
        (
            "file,label\ndog/1.png,drop\n",
            "corrections.csv leaves the class 'dog' without an image. Delete some of its lines, or remove the class.",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_line(text, said):
    assert refusal(text) == said


def test_drop_is_refused_where_a_class_has_that_name():
    images = [*IMAGES, RawImage("drop/1.png", "drop")]
    with pytest.raises(HuskyError, match=r"line 2: 'drop' leaves a photo out, and is a class here"):
        corrections.apply(images, {"cat/1.png": ("drop", 2)})


def test_a_file_in_another_encoding_is_refused():
    Path("corrections.csv").write_bytes("file,label\nK\u00e4tzchen.png,cat\n".encode("latin-1"))
    with pytest.raises(HuskyError, match=r"cannot read corrections.csv: .* in UTF-8"):
        corrections.read()
