"""Raw images in the forms people have them: class folders, a folder with a CSV, or a zip of either.

Nothing is unpacked: a zip is read member by member, so a member's name can never lead outside.
"""

import csv
import io
import lzma
import os
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from huskies.errors import HuskyError, UnreadableImage, some

# fmt: off
_ENDINGS = frozenset({
    ".apng", ".avif", ".bmp", ".dib", ".gif", ".icns", ".ico", ".j2k", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg",
    ".mpo", ".pbm", ".pcx", ".pgm", ".png", ".pnm", ".ppm", ".psd", ".qoi", ".ras", ".sgi", ".tga", ".tif", ".tiff",
    ".webp", ".xbm", ".xpm",
})
# fmt: on
# A member that unpacks to more than this is no photo.
_LARGEST_MEMBER = 1 << 30
_JUNK = frozenset({"__MACOSX", "Thumbs.db", "desktop.ini"})


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


def files(raw: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Yield (path below raw, stat) of every file that could matter: images, and CSVs at the top.

    Hidden files and what operating systems leave behind are passed over; linked folders are followed once.
    """
    seen = set()

    def walk(folder: str, prefix: str) -> Iterator[tuple[str, os.stat_result]]:
        here = os.stat(folder)
        if (here.st_dev, here.st_ino) in seen:
            return
        seen.add((here.st_dev, here.st_ino))
        with os.scandir(folder) as entries:
            for entry in sorted(entries, key=lambda each: each.name):
                if entry.name.startswith(".") or entry.name in _JUNK:
                    continue
                _check_name(folder, entry.name)
                if entry.is_dir():
                    yield from walk(entry.path, f"{prefix}{entry.name}/")
                elif entry.is_file():
                    yield f"{prefix}{entry.name}", entry.stat()
                elif entry.is_symlink():
                    # Its target is gone; convert lists it as a file that cannot be read.
                    yield f"{prefix}{entry.name}", entry.stat(follow_symlinks=False)

    yield from walk(str(raw), "")


def _is_text(text: str) -> bool:
    """Tell whether text stays on one line and can be written as UTF-8; any script's blanks and joiners may be in it."""
    # Whatever Python calls printable is such text; the rest is looked at letter by letter, which takes far longer.
    return text.isprintable() or not any(
        unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in text
    )


def _check_name(folder: str | Path, name: str) -> None:
    if not _is_text(name):
        raise HuskyError(f"{folder} has a file whose name is not readable text: {name!r}. Rename it.")


def is_image(name: str) -> bool:
    """Tell by its ending, in any letter case, whether a file is meant to be an image."""
    return os.path.splitext(name)[1].lower() in _ENDINGS


def is_table(name: str) -> bool:
    """Tell whether a file is a CSV at the top, which may hold the labels."""
    return "/" not in name and name.lower().endswith(".csv")


def open_raw(raw: Path) -> RawSet:
    """Return the labelled images of `raw`.

    Raises HuskyError where raw is absent or no zip, has no images, or its CSV and its files disagree.
    """
    if raw.is_dir():
        names = [name for name, _ in files(raw)]
        return _label(raw, names, lambda name: (raw / name).read_bytes())
    if not raw.exists():
        raise HuskyError(f"there is no {raw}. Put your images there, or set 'raw' in params.yaml to where they are.")
    return _open_zip(raw)


def _open_zip(raw: Path) -> RawSet:
    try:
        archive = zipfile.ZipFile(raw)
    except zipfile.BadZipFile:
        raise HuskyError(
            f"{raw} is neither a folder nor a zip file. Set 'raw' in params.yaml to one of them."
        ) from None
    members = {}
    for info in archive.infolist():
        parts = PurePosixPath(info.filename.lstrip("/")).parts
        hidden = any(part.startswith(".") or part in _JUNK for part in parts)
        if not info.is_dir() and not hidden:
            _check_name(raw, info.filename)
            members["/".join(parts)] = info
    wrapper = _wrapper([name for name in members if is_image(name) or name.lower().endswith(".csv")])
    members = {name.removeprefix(wrapper): info for name, info in members.items()}

    def read(name: str) -> bytes:
        if members[name].file_size > _LARGEST_MEMBER:
            raise UnreadableImage("more than 1 GiB when unpacked")
        try:
            return archive.read(members[name])
        except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError, zlib.error, lzma.LZMAError) as error:
            raise UnreadableImage(f"damaged inside the zip: {error}") from None
        except RuntimeError:
            raise HuskyError(f"{raw} is encrypted. Unpack it and set 'raw' to the folder.") from None

    return _label(raw, sorted(members), read)


def _wrapper(telling: list[str]) -> str:
    """Return the folder that all images and CSVs of a zip lie in and that is no class, "photos/", or "".

    Most tools wrap what they zip in one folder, and Kaggle in two; a note beside the images decides nothing.
    """
    wrapper = ""
    while len(tops := {name.removeprefix(wrapper).split("/")[0] for name in telling}) == 1:
        deeper = f"{wrapper}{tops.pop()}/"
        inner = [name.removeprefix(deeper) for name in telling if name.startswith(deeper)]
        if len(inner) < len(telling) or not (any(map(is_table, inner)) or all("/" in name for name in inner)):
            break
        wrapper = deeper
    return wrapper


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
        text = read(table).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise HuskyError(f"{raw}/{table} is not UTF-8 text. Save it as UTF-8.") from None
    except UnreadableImage as error:
        raise HuskyError(f"{raw}/{table} cannot be read: {error}. Mend it.") from None
    reader = csv.DictReader(io.StringIO(text, newline=None))
    if not {"file", "label"} <= set(reader.fieldnames or []):
        return None
    rows = []
    try:
        for row in reader:
            if None in row or None in row.values():
                raise csv.Error("the row has not as many values as the header.")
            rows.append(row)
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
        elif not _is_text(label):
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
