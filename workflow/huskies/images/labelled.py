"""Images with their labels and what else a table says of them: which image each row of which table is about."""

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from huskies.errors import HuskyError, UnreadableImage, some
from huskies.images import table_parts, tables
from huskies.images.raw_files import is_text
from huskies.images.table_names import Names


@dataclass(frozen=True)
class RawImage:
    """One image before conversion: its path below raw, its label, and the other columns of a table.

    part: train, val or test in a set that is already split.
    """

    source: str
    label: str
    extra: dict[str, str] = field(default_factory=dict)
    part: str = ""


def by_tables(
    place: str, found: Sequence[str], pictures: Sequence[str], read: Callable[[str], bytes]
) -> tuple[list[RawImage], list[str]]:
    """Return the images as tables label them, and lines on how the tables were read.

    place: what errors call raw. found, pictures: the paths of tables and of images. read: the way to a table's bytes.
    Raises HuskyError where tables and images disagree, and where it cannot be told what a table says.
    """
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
    parts = table_parts.parts(place, list(labelled.values()), listed_in)
    images = [
        replace(image, extra={**empty, **image.extra}, part=parts.get(image.source, "")) for image in labelled.values()
    ]
    return images, notes


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
