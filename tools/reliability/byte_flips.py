"""A byte that is another, in every kind of file that is kept: who notices, and whether the advice puts it right."""

import os
import re
import sys
from functools import partial
from pathlib import Path
from random import Random

from reliability import state
from reliability.bench import METRICS, TYPED, Bench
from reliability.trial import Outcome, Place, Row

AUDIT = ("snakemake", "--cores", "2", "audit")
# What holds files of a kind, below the place; the pattern of a kind is that of its files' paths below it.
AREAS = {
    "data": "clone/data",
    "DVC's cache": "clone/.dvc/cache/files",
    "caches": "cache",
    ".snakemake": "clone/.snakemake",
    "DVC's state": "clone/.dvc/tmp",
}
_NOT_A_RESULT = re.compile(r"clone/data/(digits|tensorboard|\.)|cache/(matplotlib|snakemake)|clone/\.snakemake/log")


def kinds(place: Place, area: str) -> list[list[Path]]:
    """Return the files of an area that are not empty, below the place, those of a kind together, in a fixed order."""
    top = place.folder.parent
    found: dict[str, list[Path]] = {}
    for path in sorted((top / AREAS[area]).rglob("*")):
        below = path.relative_to(top)
        if path.is_file() and not path.is_symlink() and path.stat().st_size and not _NOT_A_RESULT.match(str(below)):
            # Of a stage, receipts and each suffix are kinds; elsewhere, folders are.
            name = "receipt" if path.name.startswith("receipt-") else path.suffix
            kind = "/".join([*below.parts[:3], name]) if area == "data" else "/".join(below.parts[:3])
            found.setdefault(kind, []).append(below)
    return [found[kind] for kind in sorted(found)]


def flip(path: Path, random: Random, unseen: bool) -> None:
    """Change one byte of a file in place; unseen: and set its time back."""
    content, status = bytearray(path.read_bytes()), path.stat()
    content[random.randrange(len(content))] ^= random.randrange(1, 256)
    path.chmod(0o644)
    path.write_bytes(content)
    if unseen:
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def advice(said: str) -> list[str]:
    """Return the commands that audit says put things right, in its order."""
    return re.findall(r"^ {4}fix: (.+)$", said, re.MULTILINE)


def flipped(area: str, bench: Bench, number: int, random: Random) -> Outcome:
    """Change a byte, see who notices, do as audit advises, and ask for other numbers: they must be true or refused."""
    all_kinds = kinds(bench.base("built"), area)
    path = random.choice(all_kinds[number % len(all_kinds)])
    place, right = bench.place("built"), bench.state("built")
    flip(place.folder.parent / path, random, unseen=bool(number % 2))
    noticed = []
    run = place.finish(TYPED)
    if run.status or not re.search("Nothing to be done", run.said):
        noticed.append("snakemake metrics")
    lost = _false(place, right, run.status)
    status = place.finish(("dvc", "status"))
    if status.status or "up to date" not in status.said:
        noticed.append("dvc status")
    audit = place.finish(AUDIT)
    if audit.status:
        noticed.append("audit")
    for command in advice(audit.said):
        place.finish(("bash", "-c", command))
    lost += state.wrong(place, right, place.finish(TYPED), saved=False)
    # Once more, on another copy, without the advice: what lies below is made of the damaged file, or refused.
    other = bench.ready(METRICS)
    flip(other.folder.parent / path, random, unseen=bool(number % 2))
    needed = other.finish(TYPED)
    lost += _false(other, bench.undisturbed(METRICS).state, needed.status)
    if lost:
        print(f"--- {path}, noticed by {noticed}: {lost}", run.said, status.said, audit.said, needed.said, sep="\n",
              file=sys.stderr)  # fmt: skip
    place.remove()
    other.remove()
    return Outcome(tuple(lost), f"noticed by {', '.join(noticed) or 'nobody'}")


def _false(place: Place, right: dict[str, bytes], status: int | None) -> list[str]:
    numbers = place.folder / "data/metrics/metrics.json"
    true = numbers.is_file() and numbers.read_bytes() == right["data/metrics/metrics.json"]
    return ["ended with 0 and other numbers"] if status == 0 and not true else []


def rows() -> list[Row]:
    """Return a row for each area."""
    trials = {"data": 100, "DVC's cache": 20, "caches": 20, ".snakemake": 20, "DVC's state": 10}
    return [
        Row(f"byte flip, {area}", f"a byte of a file in {AREAS[area]}, each kind by turns, every second time with the "
            "file's time set back; then what audit advises", trials[area], partial(flipped, area))
        for area in AREAS
    ]  # fmt: skip
