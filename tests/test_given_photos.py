"""given_photos: files, folders, patterns, zips and standard input, each read when its turn comes, or a reason."""

import io
import os
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from bottleneck_inputs import picture
from huskies.errors import HuskyError
from huskies.images import raw_files
from huskies.model import given_photos


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a/1.jpg", "a/deep/2.JPG", "a/[3].jpg", "a/.hidden.jpg"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(picture(1))
    Path("a/notes.txt").write_text("no picture")
    Path("a/no_ending").write_bytes(picture(2))


def names(*given: str) -> list[str]:
    return [each.name for each in given_photos.find(given)]


def test_a_folder_gives_its_pictures_at_any_depth_by_ending_or_by_content():
    assert names("a") == ["a/1.jpg", "a/[3].jpg", "a/deep/2.JPG", "a/no_ending"]


def test_a_pattern_gives_what_it_fits_and_a_file_of_such_a_name_is_that_file():
    assert names("a/*.jpg") == ["a/1.jpg", "a/[3].jpg"]
    assert names("a/**/*.JPG") == ["a/deep/2.JPG"]
    assert names("a/[3].jpg") == ["a/[3].jpg"]
    Path("a/9.jpg").symlink_to("gone")
    assert names("a/*.jpg") == ["a/1.jpg", "a/9.jpg", "a/[3].jpg"]


def test_a_zip_gives_its_pictures_by_its_name_and_theirs():
    with zipfile.ZipFile("photos.bin", "w") as archive:
        archive.writestr("x/1.jpg", picture(5))
        archive.writestr("readme.txt", "no picture")
    [photo] = given_photos.find(["photos.bin"])
    assert (photo.name, photo.read()) == ("photos.bin/x/1.jpg", picture(5))


def test_standard_input_is_a_photo(monkeypatch):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(picture(4))))
    assert list(given_photos.contents(given_photos.find(["-"]))) == [("-", picture(4))]


def test_too_much_on_standard_input_is_no_photo(monkeypatch):
    monkeypatch.setattr(raw_files, "LARGEST_FILE", 10)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"12345678901")))
    assert list(given_photos.contents(given_photos.find(["-"]))) == [("-", "more than 0 MiB")]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("none.jpg", "there is no none.jpg. Name photos, folders of them, or zips."),
        ("*.gif", "nothing is called like *.gif. Name photos, folders of them, or zips."),
        ("empty", "there are no images in empty. Name photos, folders of them, or zips."),
        ("empty.zip", "there are no images in empty.zip. Name photos, folders of them, or zips."),
    ],
)
def test_what_has_no_photo_is_refused_by_its_name(given, said):
    Path("empty").mkdir()
    zipfile.ZipFile("empty.zip", "w").close()
    with pytest.raises(HuskyError) as error:
        given_photos.find(["a", given])
    assert str(error.value) == said


@pytest.mark.timeout(10)
def test_a_pipe_is_not_waited_for_and_what_goes_meanwhile_has_a_reason():
    os.mkfifo("pipe")
    Path("gone.jpg").write_bytes(picture(1))
    given = given_photos.find(["pipe", "gone.jpg"])
    Path("gone.jpg").unlink()
    assert list(given_photos.contents(given)) == [
        ("pipe", "cannot be read: it is no file"),
        ("gone.jpg", "cannot be read: No such file or directory"),
    ]
