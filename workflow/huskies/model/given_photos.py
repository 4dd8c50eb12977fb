"""The photos that are asked about: files, folders, patterns, zips and standard input, read one at a time."""

import glob
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from huskies.errors import HuskyError, UnreadableImage
from huskies.images import kinds, raw_files
from huskies.images.archive import open_zip

STANDARD_INPUT = "-"


@dataclass(frozen=True)
class Photo:
    """A photo by the name that its answer has. read returns its bytes, and raises UnreadableImage or OSError."""

    name: str
    read: Callable[[], bytes]


def find(named: Iterable[str]) -> list[Photo]:
    """Return the photos of all that is named, in its order, none of them read.

    Of a folder or a zip these are the files, at any depth, that are pictures by their ending or their first bytes. A
    file that is named itself is taken for one whatever it is.
    Raises HuskyError for what is not there, and for a folder, a zip or a pattern without any picture.
    """
    return [photo for each in named for photo in _photos(each)]


def _photos(named: str) -> list[Photo]:
    if named == STANDARD_INPUT:
        return [Photo(named, _standard_input)]
    if Path(named).exists():
        return _at(Path(named))
    found = sorted(glob.glob(named, recursive=True)) if glob.has_magic(named) else []
    if not found:
        what = "nothing is called like" if glob.has_magic(named) else "there is no"
        raise HuskyError(f"{what} {named}. Name photos, folders of them, or zips.")
    return [photo for each in found for photo in _at(Path(each))]


def _at(path: Path) -> list[Photo]:
    if path.is_dir():
        return _in_folder(path)
    return _in_zip(path) if _is_zip(path) else [Photo(str(path), lambda: raw_files.read_file(path))]


def _standard_input() -> bytes:
    content = sys.stdin.buffer.read(raw_files.LARGEST_FILE + 1)
    if len(content) > raw_files.LARGEST_FILE:
        raise UnreadableImage(f"more than {raw_files.LARGEST_FILE >> 20} MiB")
    return content


def _in_folder(folder: Path) -> list[Photo]:
    def head(name: str) -> bytes:
        return raw_files.read_head(folder / name, kinds.HEAD)

    def read(name: str) -> Callable[[], bytes]:
        return lambda: raw_files.read_file(folder / name)

    names = (name for name, _ in raw_files.files(folder))
    return _pictures(str(folder), [(name, str(folder / name), read(name)) for name in names], head)


def _in_zip(path: Path) -> list[Photo]:
    archive = open_zip(path)

    def read(name: str) -> Callable[[], bytes]:
        return lambda: archive.read(name)

    return _pictures(str(path), [(name, f"{path}/{name}", read(name)) for name in archive.names], archive.head)


def _pictures(
    place: str, files: Iterable[tuple[str, str, Callable[[], bytes]]], head: Callable[[str], bytes]
) -> list[Photo]:
    """Return those of some files that are pictures; each is given by its name inside, its name here, and its bytes."""
    found = [
        Photo(shown, read)
        for name, shown, read in files
        if raw_files.is_image(name) or kinds.is_picture(name, head(name))
    ]
    if not found:
        raise HuskyError(f"there are no images in {place}. Name photos, folders of them, or zips.")
    return found


def _is_zip(path: Path) -> bool:
    kind = kinds.kind_of(raw_files.read_head(path, kinds.HEAD))
    return kinds.ending(path.name) == ".zip" or (kind is not None and kind.name == "a zip archive")


def contents(photos: Iterable[Photo]) -> Iterator[tuple[str, bytes | str]]:
    """Yield (name, bytes, or why there are none) of each photo."""
    for photo in photos:
        try:
            yield photo.name, photo.read()
        except UnreadableImage as error:
            yield photo.name, str(error)
        except OSError as error:
            yield photo.name, f"cannot be read: {error.strerror}"
