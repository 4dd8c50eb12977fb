"""corrections.csv: what a person has said of single photos for good, that their label is another or that they go."""

import csv
import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from huskies import atomic
from huskies.errors import HuskyError, nearest, some

if TYPE_CHECKING:
    from huskies.images.labelled import RawImage

PATH = Path("corrections.csv")
COLUMNS = ("file", "label")
# In place of a label: the photo is left out.
DROP = "drop"


def begin(path: Path = PATH) -> None:
    """Make a file that corrects nothing, where there is none: DVC asks for it."""
    if not path.exists():
        atomic.write(path, f"{','.join(COLUMNS)}\n".encode())


def read(path: Path = PATH) -> dict[str, tuple[str, int]]:
    """Return (new label or DROP, line) by the name of a raw image. Columns beside file and label say nothing.

    Raises HuskyError, with the line, where the columns are not there, a cell is empty, or an image stands there twice.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise HuskyError(f"cannot read {path}: {error}. It is to be a CSV of {','.join(COLUMNS)} in UTF-8.") from None
    reader = csv.DictReader(io.StringIO(text, newline=""))
    if missing := [name for name in COLUMNS if name not in (reader.fieldnames or [])]:
        raise HuskyError(f"{path} has no column {missing[0]}. Its first line is to be {','.join(COLUMNS)}")
    found: dict[str, tuple[str, int]] = {}
    for row in reader:
        file, label = ((row[name] or "").strip() for name in COLUMNS)
        if not file or not label:
            empty = "label" if file else "file"
            raise HuskyError(f"{path}, line {reader.line_num}: the {empty} is empty. Fill it in, or delete the line.")
        if file in found:
            raise HuskyError(f"{path}, line {reader.line_num}: line {found[file][1]} is of {file}, too. Delete one.")
        found[file] = label, reader.line_num
    return found


def apply(
    images: Sequence["RawImage"], found: dict[str, tuple[str, int]], path: Path = PATH
) -> tuple[list["RawImage"], list[str]]:
    """Return (the images as they are corrected, a line on what was changed if anything was).

    found: what `read` returns. Raises HuskyError, with the line, for an image that is not there, for a label that no
    image has, where DROP might be a class, and where a class is left without an image.
    """
    labels, names = {each.label for each in images}, {each.source for each in images}
    for file, (label, line) in found.items():
        where = f"{path}, line {line}"
        if file not in names:
            raise HuskyError(f"{where}: there is no image {file}.{nearest(file, names)} Fix it, or delete the line.")
        if label == DROP and DROP in labels:
            raise HuskyError(f"{where}: '{DROP}' leaves a photo out, and is a class here. Give the class another name.")
        if label != DROP and label not in labels:
            raise HuskyError(
                f"{where}: there is no class '{label}'.{nearest(label, labels)} Write one that there is, or {DROP}."
            )
    label_of = {file: label for file, (label, _) in found.items()}
    dropped = [each.source for each in images if label_of.get(each.source) == DROP]
    changed = [file for file, label in label_of.items() if label != DROP]
    kept = [
        replace(each, label=label_of.get(each.source, each.label))
        for each in images
        if label_of.get(each.source) != DROP
    ]
    if lost := sorted(labels - {each.label for each in kept}):
        raise HuskyError(
            f"{path} leaves the class '{lost[0]}' without an image. Delete some of its lines, or remove the class."
        )
    said = [f"{len(changed)} labels changed ({some(changed)})"] if changed else []
    said += [f"{len(dropped)} photos left out ({some(dropped)})"] if dropped else []
    return kept, [f"{path}: {', '.join(said)}"] if said else []
