"""pairs.csv: what a person has said of two images for good, that they are the same thing or that they are not."""

import csv
import io
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from huskies import atomic
from huskies.errors import HuskyError, nearest, some

if TYPE_CHECKING:
    import pandas as pd

PATH = Path("pairs.csv")
# Where the gate leaves the pairs that it has found, also where it stops the run.
FOUND = Path("logs/leaks_pairs.csv")
COLUMNS = ("file", "other", "verdict")
SAME, DIFFERENT = "same", "different"

Pair = tuple[str, str]


@dataclass(frozen=True)
class Said:
    """The pairs that are the same thing, and those that are not: names of raw images, the smaller one first."""

    same: set[Pair] = field(default_factory=set)
    different: set[Pair] = field(default_factory=set)


def in_order(one: str, other: str) -> Pair:
    """Return two names, the smaller one first."""
    return (one, other) if one < other else (other, one)


def begin(path: Path = PATH) -> None:
    """Make a file that says nothing, where there is none: DVC asks for it."""
    if not path.exists():
        atomic.write(path, _csv([COLUMNS]))


def read(path: Path = PATH) -> Said:
    """Return what the file says; an absent one says nothing.

    Raises HuskyError, with the line, for what is no pair, a pair that stands there twice, another word than same or
    different, and what contradicts itself.
    """
    lines: dict[Pair, int] = {}
    said = Said()
    for line, (one, other, verdict) in _rows(path).items():
        pair = in_order(one, other)
        if pair in lines:
            raise HuskyError(f"{path}, line {line}: line {lines[pair]} speaks of the same two images. Delete one.")
        lines[pair] = line
        (said.same if verdict == SAME else said.different).add(pair)
    _check_sense(said, lines, path)
    return said


def known_to(files: Collection[str]) -> Said:
    """Return what pairs.csv says, for a stage with these data files: the plans of flows with other images lack it."""
    return read() if str(PATH) in files else Said()


def check_names(sources: Iterable[str], path: Path = PATH) -> None:
    """Raise HuskyError, with the line, for an image that is not among `sources`, the names in convert's manifest."""
    known = set(sources)
    for line, pair in _rows(path).items():
        for name in pair[:2]:
            if name not in known:
                raise HuskyError(
                    f"{path}, line {line}: there is no image {name}.{nearest(name, known)} "
                    "Correct the name, or delete the line."
                )


def by_content(said: Iterable[Pair], rows: "pd.DataFrame") -> set[Pair]:
    """Return pairs of names as pairs of sha256, so that they hold for exact copies, too.

    rows: columns source, sha256. A pair of which either image is not there is left out.
    """
    sha256 = dict(zip(rows["source"], rows["sha256"], strict=True))
    return {in_order(sha256[one], sha256[other]) for one, other in said if one in sha256 and other in sha256}


def _rows(path: Path) -> dict[int, tuple[str, str, str]]:
    """Return what stands in each line of a file of pairs."""
    try:
        text = path.read_text(encoding="utf-8-sig") if path.is_file() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise HuskyError(f"cannot read {path}: {error}. It is to be a CSV of {','.join(COLUMNS)} in UTF-8.") from None
    reader, rows = csv.reader(io.StringIO(text, newline="")), {}
    for cells in reader:
        cells = [cell.strip() for cell in cells]
        if not any(cells) or (not rows and tuple(cells) == COLUMNS):
            continue
        if len(cells) != len(COLUMNS):
            raise HuskyError(
                f"{path}, line {reader.line_num}: {','.join(cells)} is not {','.join(COLUMNS)}. "
                f"Write two images and {SAME} or {DIFFERENT}, as in a/1.jpg,a/2.jpg,{DIFFERENT}"
            )
        if cells[2] not in (SAME, DIFFERENT):
            raise HuskyError(f"{path}, line {reader.line_num}: {cells[2]} is neither {SAME} nor {DIFFERENT}.")
        if cells[0] == cells[1]:
            raise HuskyError(f"{path}, line {reader.line_num}: {cells[0]} stands there twice. Delete the line.")
        rows[reader.line_num] = (cells[0], cells[1], cells[2])
    return rows


def _check_sense(said: Said, lines: dict[Pair, int], path: Path) -> None:
    """Raise HuskyError where two images are said to be different that others bind to each other as the same."""
    # Snakemake imports this module at every start, and checks nothing.
    from huskies.images import groups

    names = sorted({name for pair in said.same for name in pair})
    number = {name: position for position, name in enumerate(names)}
    leaders = groups.join(len(names), ((number[one], number[other]) for one, other in said.same))
    for one, other in sorted(said.different, key=lambda pair: lines[pair]):
        if one in number and other in number and leaders[number[one]] == leaders[number[other]]:
            raise HuskyError(
                f"{path}, line {lines[one, other]}: {one} and {other} are said to be different, and other lines say "
                "that they are the same. Delete what is wrong."
            )


def leave(found: Iterable[Pair], path: Path = FOUND) -> None:
    """Write the pairs that the gate has found, for `add`."""
    path.parent.mkdir(exist_ok=True)
    atomic.write(path, _csv([COLUMNS[:2], *sorted({in_order(*pair) for pair in found})]))


def add(verdict: str, path: Path = PATH, found: Path = FOUND) -> str:
    """Add the pairs that the gate has found to pairs.csv, as the same thing or not; return a line on it.

    A pair that stands there already keeps its line. Raises HuskyError if the gate has found none, or either file is
    no file of pairs.
    """
    rows = list(csv.DictReader(io.StringIO(found.read_text(encoding="utf-8")))) if found.is_file() else []
    if not rows:
        raise HuskyError(
            f"there are no pairs in {found}: the gate has found none. Run it: snakemake --cores all metrics"
        )
    known = {in_order(one, other) for one, other, _ in _rows(path).values()}
    wanted = [in_order(row["file"], row["other"]) for row in rows]
    new = [pair for pair in wanted if pair not in known]
    before = path.read_bytes() if path.is_file() and _is_begun(path) else _csv([COLUMNS])
    if before[-1:] != b"\n":
        before += b"\n"
    atomic.write(path, before + _csv([(*pair, verdict) for pair in new]))
    kept = len(wanted) - len(new)
    named = some(f"{one} and {other}" for one, other in new)
    summary = f"{len(new)} pairs are {verdict}" + (f": {named}" if new else "")
    return summary + (f"; {kept} pairs stood there already, and keep their lines" if kept else "")


def _is_begun(path: Path) -> bool:
    return bool(path.read_bytes().strip())


def _csv(rows: list[tuple[str, ...]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()
