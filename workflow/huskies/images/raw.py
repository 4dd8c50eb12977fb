"""Raw images in the forms people have them: class folders, a folder with a table of labels, or a zip of either."""

import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from huskies.errors import HuskyError, UnreadableImage, some
from huskies.images import kinds, layout, tables
from huskies.images.archive import open_zip
from huskies.images.naming import SPLITS
from huskies.images.raw_files import files, folders, is_image, is_text, is_there, read_file, read_head
from huskies.images.table_names import Names

_ASKED = "one folder for each class, or beside a CSV file with the columns file and label"


@dataclass(frozen=True)
class RawImage:
    """One image before conversion: its path below raw, its label, and the other columns of a table.

    part: train, val or test in a set that is already split.
    """

    source: str
    label: str
    extra: dict[str, str] = field(default_factory=dict)
    part: str = ""


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
        images, notes = _by_tables(place, found, inner, lambda name: source.read(f"{wrapper}{name}"))
    else:
        images, notes = _by_folders(place, inner), _empty(source.folders(wrapper), inner)
    parts = layout.parts(place, inner, {each.source: each.label for each in images} if sheets else None)
    if parts:
        images = [replace(each, part=parts[each.source][0], label=parts[each.source][1]) for each in images]
        counts = Counter(each.part for each in images)
        shown = ", ".join(f"{counts[part]} {part}" for part in SPLITS if counts[part])
        notes.append(f"already split: {shown} images")
    return RawSet(sorted(images, key=lambda image: image.source), ignored, read, notes, wrapper)


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


def _by_tables(
    place: str, found: Sequence[str], pictures: Sequence[str], read: Callable[[str], bytes]
) -> tuple[list[RawImage], list[str]]:
    """Return the images as tables label them, and lines on how the tables were read."""
    names, labelled, listed_in, notes = Names(pictures), {}, {}, []
    for table in found:
        path = f"{place}/{table}"
        sheet = tables.parse(path, table, _content(path, table, read))
        chosen = tables.choose(path, sheet, names)
        for image in _rows(path, sheet, chosen):
            if image.source in labelled:
                both = f"{listed_in[image.source]} and in {table}"
                raise HuskyError(f"{place}: {image.source} is listed in {both}. Keep one of the tables.")
            labelled[image.source], listed_in[image.source] = image, table
        notes.append(chosen.said)
    said = f"{place}/{found[0]}" if len(found) == 1 else f"the tables in {place}"
    unlabelled = sorted(set(pictures) - set(labelled))
    if unlabelled:
        raise HuskyError(
            f"{said} has no label for {len(unlabelled)} files: {some(unlabelled)}. Add rows, or remove the files."
        )
    columns = dict.fromkeys(column for image in labelled.values() for column in image.extra)
    empty = dict.fromkeys(columns, "")
    return [replace(image, extra={**empty, **image.extra}) for image in labelled.values()], notes


def _content(path: str, table: str, read: Callable[[str], bytes]) -> bytes:
    try:
        return read(table)
    except OSError as error:
        raise HuskyError(f"{path} cannot be read: {error.strerror}. Make it readable.") from None
    except UnreadableImage as error:
        raise HuskyError(f"{path} cannot be read: {error}. Fix it.") from None


def _rows(path: str, sheet: tables.Sheet, chosen: tables.Columns) -> list[RawImage]:
    """Return an image for each row of a table. Raises HuskyError for rows without a file or a label of their own."""
    images, seen, missing = [], set(), []
    for row, found in zip(sheet.rows, chosen.found, strict=True):
        typed, label = row[chosen.file], unicodedata.normalize("NFC", row[chosen.label].strip())
        if found.several:
            raise HuskyError(
                f"{path}: {typed} may be {some(found.several)}. Write each path as it is below the folder."
            )
        if not found.name:
            missing.append(typed)
        elif not label:
            raise HuskyError(f"{path}: {typed} has an empty label. Fill it in, or remove the row and the file.")
        elif not is_text(label):
            raise HuskyError(f"{path}: the label {label!r} of {typed} is not readable text. Change it.")
        elif found.name in seen:
            raise HuskyError(f"{path}: {typed} is listed more than once. Keep one row for each file.")
        else:
            seen.add(found.name)
            others = {column: value for column, value in row.items() if column not in ("", chosen.file, chosen.label)}
            # Images are kept together by this column, however it is spelled.
            extra = {"group" if column.casefold() == "group" else column: value for column, value in others.items()}
            images.append(RawImage(found.name, label, extra))
    if missing:
        raise HuskyError(
            f"{path} lists {len(missing)} files that are not there: {some(missing)}. Add them, or remove the rows."
        )
    if not images:
        raise HuskyError(f"{path} lists no images. Add one row for each image.")
    return images
