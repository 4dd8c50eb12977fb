"""Raw images in the forms people have them: class folders, a folder with a CSV, or a zip of either."""

import csv
import io
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from huskies.errors import HuskyError, UnreadableImage, some
from huskies.images.archive import open_zip
from huskies.images.raw_files import files, is_image, is_table, is_text, is_there, read_file

_LARGEST_TABLE = 32 << 20  # bytes


@dataclass(frozen=True)
class RawImage:
    """One image before conversion: its path below raw, its label, and the CSV's other columns."""

    source: str
    label: str
    extra: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RawSet:
    """All images of a raw folder or zip, sorted by path, and the way to their bytes."""

    images: list[RawImage]
    ignored: list[str]
    read: Callable[[str], bytes]


def open_raw(raw: Path) -> RawSet:
    """Return the labelled images of `raw`.

    Raises HuskyError where raw is absent or no zip, has no images, or its CSV and its files disagree.
    """
    if not is_there(raw):
        raise HuskyError(f"there is no {raw}. Put your images there, or set 'raw' in params.yaml to where they are.")
    if raw.is_dir():
        return _label(raw, [name for name, _ in files(raw)], lambda name: read_file(raw / name))
    return _label(raw, *open_zip(raw))


def _label(raw: Path, names: list[str], read: Callable[[str], bytes]) -> RawSet:
    pictures = [name for name in names if is_image(name)]
    tables = {name: rows for name in names if is_table(name) if (rows := _rows(raw, name, read)) is not None}
    ignored = [name for name in names if not is_image(name) and name not in tables]
    if len(tables) > 1:
        raise HuskyError(f"{raw} has several CSV files with the columns file and label: {some(tables)}. Keep one.")
    if tables:
        [(table, rows)] = tables.items()
        return RawSet(_label_by_table(f"{raw}/{table}", rows, pictures), ignored, read)
    if not pictures:
        raise HuskyError(
            f"there are no images in {raw}. Put them into one folder for each class, "
            "or beside a CSV file with the columns file and label."
        )
    loose = [name for name in pictures if "/" not in name]
    if loose:
        raise HuskyError(
            f"{len(loose)} images in {raw} have no label: {some(loose)}. Move them into class folders, "
            "or add a CSV file with the columns file and label."
        )
    labelled = [RawImage(name, unicodedata.normalize("NFC", name.split("/")[0])) for name in pictures]
    return RawSet(sorted(labelled, key=lambda image: image.source), ignored, read)


def _rows(raw: Path, table: str, read: Callable[[str], bytes]) -> list[dict[str, str]] | None:
    """Return the rows of a CSV with the columns file and label, or None for any other CSV."""
    try:
        content = read(table)
        reader = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=None))
        if not {"file", "label"} <= set(reader.fieldnames or []):
            return None
        if len(content) > _LARGEST_TABLE:
            raise HuskyError(f"{raw}/{table} has more than {_LARGEST_TABLE >> 20} MiB. Leave out columns.")
        rows = []
        for row in reader:
            if None in row or None in row.values():
                raise csv.Error("the row has not as many values as the header.")
            rows.append(row)
    except UnicodeDecodeError:
        raise HuskyError(f"{raw}/{table} is not UTF-8 text. Save it as UTF-8.") from None
    except OSError as error:
        raise HuskyError(f"{raw}/{table} cannot be read: {error.strerror}. Make it readable.") from None
    except UnreadableImage as error:
        raise HuskyError(f"{raw}/{table} cannot be read: {error}. Fix it.") from None
    except csv.Error as error:
        raise HuskyError(f"{raw}/{table}, line {reader.line_num}: {error}") from None
    return rows


def _label_by_table(table: str, rows: list[dict[str, str]], pictures: list[str]) -> list[RawImage]:
    # A name typed on one system and a file made on another may differ in how an accent is composed.
    on_disk = {unicodedata.normalize("NFC", name): name for name in pictures}
    labelled: dict[str, RawImage] = {}
    missing = []
    for row in rows:
        name = on_disk.get(unicodedata.normalize("NFC", row["file"].replace("\\", "/").removeprefix("./")))
        label = unicodedata.normalize("NFC", row["label"].strip())
        if name is None:
            missing.append(row["file"])
        elif not label:
            raise HuskyError(f"{table}: {row['file']} has an empty label. Fill it in, or remove the row and the file.")
        elif not is_text(label):
            raise HuskyError(f"{table}: the label {label!r} of {row['file']} is not readable text. Change it.")
        elif name in labelled:
            raise HuskyError(f"{table}: {row['file']} is listed more than once. Keep one row for each file.")
        else:
            extra = {column: value for column, value in row.items() if column not in ("file", "label")}
            labelled[name] = RawImage(name, label, extra)
    if missing:
        raise HuskyError(
            f"{table} lists {len(missing)} files that are not there: {some(missing)}. Add them, or remove the rows."
        )
    unlabelled = sorted(set(pictures) - set(labelled))
    if unlabelled:
        raise HuskyError(
            f"{table} has no label for {len(unlabelled)} files: {some(unlabelled)}. Add rows, or remove the files."
        )
    if not labelled:
        raise HuskyError(f"{table} lists no images. Add one row for each image.")
    return [labelled[name] for name in sorted(labelled)]
