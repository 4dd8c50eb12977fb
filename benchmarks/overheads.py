"""Overheads: nothing to do against an empty Snakefile, listing of unchanged raw files, syncing to the disk, and DVC."""

import functools
import itertools
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import clones
import side_by_side
from speed_table import Line

# A rule without output would run every time.
EMPTY = 'rule metrics:\n    output:\n        "made",\n    shell:\n        "touch {output}"\n'
METRICS = ("snakemake", "--cores", "all", "metrics")
LISTING = """
import sys
from pathlib import Path
from huskies.images import raw_files
raw_files.raw_digest(Path(sys.argv[1]))
"""


def nothing_to_do(repetitions: int) -> dict[str, side_by_side.Seconds]:
    """Return what `snakemake metrics` takes on the built sample (`ours`), and on an empty Snakefile (`empty`)."""
    with tempfile.TemporaryDirectory() as name:
        folder, empty = clones.clone(Path(name)), Path(name, "empty")
        clones.run(folder, *METRICS)
        empty.mkdir()
        (empty / "Snakefile").write_text(EMPTY)
        command = ("snakemake", "--cores", "1", "metrics")
        clones.run(empty, *command)
        return side_by_side.medians(
            {
                "ours": (functools.partial, clones.run, folder, *command),
                "empty": (functools.partial, clones.run, empty, *command),
            },
            repetitions,
        )


def raw_listing(files: int, repetitions: int = 3) -> float:
    """Return the seconds of the digest of so many tiny raw files that were read before.

    Python's start and the imports are part of it.
    """
    with tempfile.TemporaryDirectory() as name:
        raw = Path(name, "raw")
        for number in range(files):
            folder = raw / f"class_{number % 10}"
            if number < 10:
                folder.mkdir(parents=True)
            (folder / f"image_{number:06}.jpg").write_bytes(str(number).encode())
        # What was changed in the last two seconds is read again.
        time.sleep(2.1)
        listing = (clones.run, clones.clone(Path(name)), sys.executable, "-c", LISTING, str(raw))
        functools.partial(*listing)()
        return side_by_side.medians({"unchanged": (functools.partial, *listing)}, repetitions)["unchanged"].wall


def from_nothing(folder: Path, *command: str) -> None:
    """Run a command in a clone after deleting all that was built and kept there."""
    built = [path for path in (folder / "data").iterdir() if path.is_dir() and path.name != "digits"]
    for path in (*built, folder / ".snakemake", folder / ".dvc/cache", folder.parent / "cache"):
        shutil.rmtree(path, ignore_errors=True)
    (folder / "dvc.lock").unlink(missing_ok=True)
    clones.run(folder, *command)


def syncing(repetitions: int) -> dict[str, side_by_side.Seconds]:
    """Return what `snakemake metrics` takes from nothing, syncing what it claims to the disk (`synced`) and not."""
    with tempfile.TemporaryDirectory() as name:
        folders = {each: clones.clone(Path(name, each)) for each in ("synced", "unsynced")}
        without = Path(name, "without")
        without.mkdir()
        (without / "sitecustomize.py").write_text("import os\nos.fsync = lambda descriptor: None\n")
        paths = {"synced": "", "unsynced": str(without)}
        return side_by_side.medians(
            {
                each: (functools.partial, from_nothing, folder, "env", f"PYTHONPATH={paths[each]}", *METRICS)
                for each, folder in folders.items()
            },
            repetitions,
        )


def another_factor(folder: Path, by: str) -> Callable[[], None]:
    """Return what makes one copy more of each photo each time, up to the page, by `dvc` or by `snakemake`."""
    factors = itertools.count(6)

    def run() -> None:
        factor = next(factors)
        if by == "dvc":
            clones.run(folder, "dvc", "exp", "run", "-S", f"aug.factor={factor}")
        else:
            clones.set_parameters(folder, aug={"factor": factor})
            clones.run(folder, *METRICS, "report")

    return run


def experiment(repetitions: int) -> dict[str, side_by_side.Seconds]:
    """Return what one copy more of each photo takes on the built sample, by `dvc` and by `snakemake`, then told."""
    with tempfile.TemporaryDirectory() as name:
        folders = {by: clones.clone(Path(name, by)) for by in ("dvc", "snakemake")}
        for folder in folders.values():
            clones.run(folder, *METRICS, "report")
        return side_by_side.medians({by: (another_factor, folders[by], by) for by in folders}, repetitions)


def measure(quick: bool) -> Iterator[Line]:
    """Yield nothing to do against an empty Snakefile, the share of syncing, DVC's way in, and the raw listing."""
    found = nothing_to_do(1 if quick else 5)
    ours, empty = found["ours"], found["empty"]
    note = f"{ours.processor / empty.processor:.2f} × by processor time"
    ratio = ours.wall / empty.wall
    yield Line("overheads", "nothing to do, against an empty Snakefile", ratio, "×", at_most=1.3, note=note)
    found = syncing(1 if quick else 5)
    ratio = found["synced"].wall / found["unsynced"].wall
    yield Line("overheads", "main job, syncing to the disk against not", ratio, "×", at_most=1.03)
    found = experiment(1 if quick else 5)
    dvc, snakemake = found["dvc"], found["snakemake"]
    note = f"{dvc.wall:.0f} s; {dvc.processor / snakemake.processor:.2f} × by processor time"
    ratio = dvc.wall / snakemake.wall
    yield Line("overheads", "dvc exp run with another factor, against Snakemake", ratio, "×", at_most=1.15, note=note)
    files = 1000 if quick else 100_000
    yield Line("overheads", f"listing of {files} unchanged raw files", raw_listing(files), "s", at_most=2)
