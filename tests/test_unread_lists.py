"""unread_lists: what names images and is not read is said, and nothing else is."""

import pytest
from huskies.errors import UnreadableImage
from huskies.images import unread_lists

IMAGES = ["rose/1_a.jpg", "tulip/2 b.jpg"]


@pytest.mark.parametrize(
    ("name", "content", "named"),
    [
        ("labels.txt", "rose/1_a.jpg 0\n", True),
        ("annotations.json", '{"images": [{"file_name": "1_a.jpg"}]}', True),
        ("1_a.xml", "<filename>1_a.jpg</filename>", True),
        ("classes.txt", "rose\ntulip\n", False),
        ("labels.txt", "1_a.jpg.bak\n", False),
        ("film.mov", "1_a.jpg", False),
    ],
)
def test_a_text_that_names_an_image_is_said(name, content, named):
    expected = [f"not read, though images are named in it: {name}"] if named else []
    assert unread_lists.said([name], IMAGES, lambda _: content.encode()) == expected


def test_many_are_not_all_named_nor_looked_at():
    looked_at = []

    def read(name: str) -> bytes:
        looked_at.append(name)
        return b"1_a.jpg"

    [line] = unread_lists.said([f"{number:03}.xml" for number in range(500)], IMAGES, read)
    assert line.startswith("not read, though images are named in it: 000.xml, 001.xml")
    assert len(line) < 200
    assert len(looked_at) == 20


@pytest.mark.parametrize("error", [OSError(13, "Permission denied"), UnreadableImage("too large")])
def test_one_that_cannot_be_read_is_passed_over(error):
    def read(name: str) -> bytes:
        raise error

    assert unread_lists.said(["labels.txt"], IMAGES, read) == []
