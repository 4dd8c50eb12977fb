"""Lists and annotations beside the images that nothing reads: they are said, so that nobody counts on them."""

import re
from collections.abc import Callable, Sequence

from huskies.errors import UnreadableImage, some
from huskies.images import kinds, tables

_ENDINGS = frozenset({".txt", ".json", ".jsonl", ".xml", ".yaml", ".yml", ".md", ".mat", ".html"})
# Lists are looked into until as many are found: annotations may be one file for each image.
_LOOKED_AT = 20


def said(ignored: Sequence[str], images: Sequence[str], read: Callable[[str], bytes]) -> list[str]:
    """Return a line on the ignored files that name images, or nothing.

    ignored, images: paths below raw. read: the way to a file's bytes.
    """
    names = {image.rpartition("/")[2].encode() for image in images}
    lists = [name for name in ignored if kinds.ending(name) in _ENDINGS][:_LOOKED_AT]
    naming = [name for name in lists if _names_images(_content(name, read), names)]
    return [f"not read, though images are named in it: {some(naming)}"] if naming else []


def _content(name: str, read: Callable[[str], bytes]) -> bytes:
    try:
        return read(name)[: tables.LARGEST]
    except (OSError, UnreadableImage):
        return b""


def _names_images(content: bytes, names: set[bytes]) -> bool:
    return any(each in names for each in re.split(rb"[\s\"'<>,;:|=/\\()]+", content))
