"""What a file is by its first bytes, and what is said of one that is not read."""

import pytest
from huskies.images import kinds

TIFF = b"II*\x00\x08\x00\x00\x00"
ZIP = b"PK\x03\x04"
POINTER = b"version https://git-lfs.github.com/spec/v1\n"
BMP = b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0"


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"\xff\xd8\xff\xe0", "a JPEG"),
        (b"\x89PNG\r\n\x1a\n\0", "a PNG"),
        (b"GIF87a", "a GIF"),
        (b"GIF89a", "a GIF"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "a JPEG 2000"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "a WebP"),
        (b"\0\0\0\x1cftypavif\0\0\0\0", "an AVIF"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "a HEIC"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0", "a HEIC"),
        (b"\0\0\0\x18ftypcrx \0\0\0\1", "a RAW photo of a camera"),
        (b"\0\0\0\x20ftypisom\0\0\2\0", "a video"),
        (BMP, "a BMP"),
        (TIFF, "a TIFF"),
        (b"MM\0*\0\0\0\x08", "a TIFF"),
        (b"II*\0\x10\0\0\0CR\2\0", "a RAW photo of a camera"),
        (b"FUJIFILMCCD-RAW 0201", "a RAW photo of a camera"),
        (b"PK\x05\x06", "a zip archive"),
        (bytes(257) + b"ustar\0", "a tar archive"),
        (POINTER, "a pointer of Git LFS"),
        (b"\xef\xbb\xbf \r\n<!DOCTYPE HTML>", "a web page"),
        (b"<SVG width='1'>", "an SVG drawing"),
        (b"<?xml version='1.0'?>\n<svg>", "an SVG drawing"),
    ],
)
def test_a_file_is_told_by_its_first_bytes(head, name):
    assert kinds.kind_of(head).name == name


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"hello",
        b"\xff\xd8",
        b"RIFF\x10\0\0\0WAVEfmt ",
        b"\0\0\0\x20ftypisom",
        b"BMW is a car, and this is a text about it",
        BMP.replace(b"\x28", b"\x29"),
        BMP.replace(b"\x46\0\0\0\0", b"\x46\0\0\0\1"),
        b"<?xml version='1.0'?>\n<plist>",
    ],
)
def test_what_only_begins_a_little_like_one_is_of_no_kind(head):
    assert kinds.kind_of(head) is None


def test_the_bytes_that_are_asked_for_reach_to_the_mark_of_a_tar():
    assert kinds.HEAD >= 262


@pytest.mark.parametrize(("name", "ending"), [("a/b.JPG", ".jpg"), ("a.b/c", ""), ("x.tar.GZ", ".gz"), (".jpg", "")])
def test_an_ending_is_the_last_of_the_file_in_small_letters(name, ending):
    assert kinds.ending(name) == ending


@pytest.mark.parametrize(("name", "told"), [("a.ZIP", True), ("a.tar.gz", True), ("zip", False), ("a.docx", False)])
def test_an_archive_is_told_by_its_ending(name, told):
    assert kinds.is_archive(name) is told


@pytest.mark.parametrize(
    ("name", "head", "told"),
    [
        ("IMG_1", b"\xff\xd8\xff", True),
        ("a.dat", b"\x89PNG\r\n\x1a\n", True),
        ("logo.svg", b"<svg>", True),
        ("a.zip", b"no zip at all", True),
        ("download", ZIP, True),
        ("letter.docx", ZIP, False),
        ("IMG_2", POINTER, True),
        ("weights.h5", POINTER, False),
        ("clip.mov", b"\0\0\0\x14ftypqt  \0\0\2\0", False),
        ("index.html", b"<html>", False),
        ("notes.txt", b"hello", False),
    ],
)
def test_a_file_without_the_ending_of_a_picture_may_be_one_or_hold_some(name, head, told):
    assert kinds.is_picture(name, head) is told


@pytest.mark.parametrize(
    ("name", "head", "said"),
    [
        ("a.jpg", b"\xff\xd8\xff", ""),
        ("a.jpg", b"hello", ""),
        ("a.tif", TIFF, ""),
        ("a.NEF", TIFF, "a RAW photo of a camera: export it as JPEG"),
        ("a.jxl", b"\xff\x0a\xfa", "a JPEG XL picture: save it as JPEG or PNG"),
        ("a.jpg", b"\xff\x0a\xfa", ""),
        ("a.jpg", b"\0\0\0\x0cJXL \r\n\x87\n", "a JPEG XL picture: save it as JPEG or PNG"),
        ("a.jpg", b"<html>", "a web page: download the picture itself"),
        ("a.jpg", b"\0\0\0\x20ftypisom\0\0\2\0", "a video: take a picture out of it"),
        ("a.jpg", POINTER, "a pointer of Git LFS: get the picture: git lfs pull"),
        ("a.zip", ZIP, "a zip archive: unpack it into its class folder, and remove it"),
    ],
)
def test_what_is_not_read_is_said_with_what_makes_a_picture_of_it(name, head, said):
    assert kinds.why_not_read(name, head) == said
