"""Raw images in the forms people have them: class folders, a folder with a table of labels, or a zip of either."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from huskies.errors import HuskyError, UnreadableImage, some
from huskies.images import kinds, labelled, layout, tables, unread_lists
from huskies.images.archive import open_zip
from huskies.images.labelled import RawImage
from huskies.images.naming import SPLITS
from huskies.images.raw_files import files, folders, is_image, is_there, read_file, read_head

_ASKED = "one folder for each class, or beside a CSV file with the columns file and label"


@dataclass(frozen=True)
class RawSet:
    """All images of a raw folder or zip, sorted by path, and the way to their bytes.

    read raises UnreadableImage. ignored: the files that are neither image nor table. notes: lines on how the set was
    read. wrapper: the folder that all of it lies in, with a slash at its end, and that is no part of the paths.
    """

    images: list[RawImage]
    ignored: list[str]
    read: Callable[[str], bytes]
    notes: list[str] = field(default_factory=list)
    wrapper: str = ""


@dataclass(frozen=True)
class _Source:
    """A raw folder or zip: its files' paths, the folders in a folder of it, and the way to bytes."""

    names: list[str]
    folders: Callable[[str], list[str]]
    read: Callable[[str], bytes]
    head: Callable[[str], bytes]


def open_raw(raw: Path) -> RawSet:
    """Return the labelled images of `raw`.

    Raises HuskyError where raw is absent or no zip, has no images, or its table and its files disagree; and where it
    cannot be told what a table or a folder says.
    """
    if not is_there(raw):
        raise HuskyError(f"there is no {raw}. Put your images there, or set 'raw' in params.yaml to where they are.")
    return _label(raw, _folder(raw) if raw.is_dir() else _zip(raw))


def _folder(raw: Path) -> _Source:
    return _Source(
        [name for name, _ in files(raw)],
        lambda place: folders(raw / place),
        lambda name: read_file(raw / name),
        lambda name: read_head(raw / name, kinds.HEAD),
    )


def _zip(raw: Path) -> _Source:
    archive = open_zip(raw)

    def inside(place: str) -> list[str]:
        below = [folder.removeprefix(place) for folder in archive.folders if folder.startswith(place)]
        return [folder for folder in below if folder and "/" not in folder]

    return _Source(archive.names, inside, archive.read, archive.head)


def _label(raw: Path, source: _Source) -> RawSet:
    sheets = [name for name in source.names if tables.is_table(name)]
    pictures = [
        name
        for name in source.names
        if is_image(name) or (not tables.is_table(name) and kinds.is_picture(name, source.head(name)))
    ]
    wrapper = layout.wrapper([*pictures, *sheets], sheets)
    inner = [name.removeprefix(wrapper) for name in pictures]
    found = [name.removeprefix(wrapper) for name in sheets]
    known = {*pictures, *sheets}
    ignored = [name.removeprefix(wrapper) for name in source.names if name not in known]
    place = f"{raw}/{wrapper}".removesuffix("/") if raw.is_dir() else str(raw)

    def read(name: str) -> bytes:
        content = source.read(f"{wrapper}{name}")
        if reason := kinds.why_not_read(name, content[: kinds.HEAD]):
            raise UnreadableImage(reason)
        return content

    if not pictures:
        raise HuskyError(f"there are no images in {raw}. Put them into {_ASKED}.")
    _refuse_archives(place, inner, bool(sheets))
    if sheets:
        images, notes = labelled.by_tables(place, found, inner, lambda name: source.read(f"{wrapper}{name}"))
    else:
        images, notes = _by_folders(place, inner), _empty(source.folders(wrapper), inner)
    parts = layout.parts(place, inner, {each.source: each.label for each in images} if sheets else None)
    if parts:
        images = [_in_part(place, each, *parts[each.source]) for each in images]
    if any(each.part for each in images):
        counts = Counter(each.part for each in images)
        shown = ", ".join(f"{counts[part]} {part}" for part in SPLITS if counts[part])
        notes.append(f"already split: {shown} images")
    notes += unread_lists.said(ignored, inner, read)
    return RawSet(sorted(images, key=lambda image: image.source), ignored, read, notes, wrapper)


def _in_part(place: str, image: RawImage, part: str, label: str) -> RawImage:
    if image.part not in ("", part):
        raise HuskyError(
            f"{place}: {image.source} lies in the part {part}, and a table says {image.part} of it. Move the file, or "
            "change the table."
        )
    return replace(image, part=part, label=label)


def _refuse_archives(place: str, pictures: Sequence[str], by_table: bool) -> None:
    """Raise HuskyError for archives that lie in no class folder, so that nobody knows what is in them."""
    loose = [name for name in pictures if kinds.is_archive(name) and (by_table or "/" not in name)]
    if loose:
        raise HuskyError(
            f"{place} has archives, which are not looked into: {some(loose)}. Unpack each into a folder of its own, "
            "or set 'raw' in params.yaml to the only one; then move the archives away."
        )


def _by_folders(place: str, pictures: Sequence[str]) -> list[RawImage]:
    loose = [name for name in pictures if "/" not in name]
    if loose:
        raise HuskyError(
            f"{len(loose)} images in {place} have no label: {some(loose)}. Move them into class folders, "
            "or add a CSV file with the columns file and label."
        )
    return [RawImage(name, layout.label_of(name.split("/")[0])) for name in pictures]


def _empty(top: Sequence[str], pictures: Sequence[str]) -> list[str]:
    filled = {name.split("/")[0] for name in pictures}
    empty = [f"{folder}/" for folder in top if folder not in filled]
    return [f"no images in {some(empty)}"] if empty else []
