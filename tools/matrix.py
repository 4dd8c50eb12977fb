"""The rebuild matrix: after each change and by each way in, exactly which stages run, and that the numbers are right.

Right means: the same bytes as a build from nothing, with empty caches, of the files as they are after the change.
`make matrix` tries every cell with the real Snakemake and DVC, prints the table and writes docs/rebuild-matrix.md.
"""

import argparse
import contextlib
import csv
import dataclasses
import hashlib
import io
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import h5py
import numpy as np
import onnx
import onnx.numpy_helper
from huskies import atomic
from huskies.backbone.store import NAME as STORE
from huskies.backbone.store import key
from project import WORKING_TREE, Clone, below, clone_project, edit_unseen, shipped, stages_run

TABLE = WORKING_TREE / "docs/rebuild-matrix.md"
# What came of each cell when it was last tried.
OUTCOMES = WORKING_TREE / "docs/rebuild-matrix.csv"
IMAGES_A_CLASS = 5
TOOK_LONG = 500  # seconds; a queue that has not finished by then never will

# The stages that are to run, named by where the change comes in.
NOTHING = ()
SPLIT = ("split",)
FROM_CROSS_VALIDATION = below("cross_validation")
FROM_TRAINING = below("train_baseline", "train_augmented", "cross_validation")
FROM_AUGMENT = below("augment")
FROM_BOTTLENECKS = below("bottlenecks_original", "bottlenecks_augmented", "bottlenecks_test")
FROM_SPLIT = below("split")
FROM_GROUP = below("group")
FROM_CONVERT = below("convert")


@dataclasses.dataclass(frozen=True)
class Special:
    """What is to happen where it is not simply `these stages run, and everything is right`."""

    said: str
    footnote: str


UNSEEN = Special(
    "not seen",
    "`dvc repro` goes by size, time and inode, and runs nothing. `snakemake metrics` then sees the edit, gives the "
    "right numbers, and leaves `dvc status` with nothing to say.",
)
LEFT = Special(
    "nothing",
    "Snakemake goes by receipts, so it runs nothing and the numbers are right, but `data/augment` stays as the hand "
    "left it. Whatever reads it later refuses (next row).",
)
REFUSED = Special(
    "refused",
    "The run stops with `ERROR: data/augment is not as its receipt says`. Once the folder is deleted, as the message "
    "says, the same command gives the right numbers. DVC has put the folder back before it runs a stage.",
)

Expected = tuple[str, ...] | Special

# The ways in, and which of the three expectations of a row each is held to. `dvc exp run` has git write the changed
# files anew before it looks at them, in the workspace as in a folder of its own.
IN_SNAKEMAKE, IN_DVC, THROUGH_GIT = range(3)
COLUMNS = {
    "snakemake": IN_SNAKEMAKE,
    "dvc repro": IN_DVC,
    "dvc exp run": THROUGH_GIT,
    "--temp": THROUGH_GIT,
    "--queue": THROUGH_GIT,
    "fresh clone": IN_SNAKEMAKE,
}

# Per row: `snakemake` (also in a fresh clone), `dvc repro`, `dvc exp run` in all its forms.
ROWS: dict[str, tuple[Expected, Expected, Expected]] = {
    "aug.factor": (FROM_AUGMENT, FROM_AUGMENT, FROM_AUGMENT),
    "an argument of an augmentation": (FROM_AUGMENT, FROM_AUGMENT, FROM_AUGMENT),
    "split.seed": (FROM_SPLIT, FROM_SPLIT, FROM_SPLIT),
    "convert.quality": (FROM_CONVERT, FROM_CONVERT, FROM_CONVERT),
    "backbone.layer": (FROM_BOTTLENECKS, FROM_BOTTLENECKS, FROM_BOTTLENECKS),
    "backbone.preprocessing": (FROM_BOTTLENECKS, FROM_BOTTLENECKS, FROM_BOTTLENECKS),
    # It is the bundled one here, by which group looks for near-duplicates.
    "content of the weights file": (FROM_GROUP, FROM_GROUP, FROM_GROUP),
    "content of the network's file": (FROM_BOTTLENECKS, FROM_BOTTLENECKS, FROM_BOTTLENECKS),
    "backbone.pooling": (FROM_BOTTLENECKS, FROM_BOTTLENECKS, FROM_BOTTLENECKS),
    "train.steps": (FROM_TRAINING, FROM_TRAINING, FROM_TRAINING),
    "train.l2": (FROM_TRAINING, FROM_TRAINING, FROM_TRAINING),
    "cross_validation.folds": (FROM_CROSS_VALIDATION, FROM_CROSS_VALIDATION, FROM_CROSS_VALIDATION),
    # What the classifier is held to and what is said of it changes no number.
    "gate.accuracy and card.title": (NOTHING, NOTHING, NOTHING),
    "raw image added": (FROM_CONVERT, FROM_CONVERT, FROM_CONVERT),
    "raw image edited, size and time restored": (FROM_CONVERT, UNSEEN, FROM_CONVERT),
    "raw image removed": (FROM_CONVERT, FROM_CONVERT, FROM_CONVERT),
    "raw image renamed": (FROM_CONVERT, FROM_CONVERT, FROM_CONVERT),
    "raw image moved to another class": (FROM_CONVERT, FROM_CONVERT, FROM_CONVERT),
    "code of augment": (FROM_AUGMENT, FROM_AUGMENT, FROM_AUGMENT),
    "a comment in split": (NOTHING, SPLIT, SPLIT),
    "augmented file deleted": (LEFT, NOTHING, NOTHING),
    "augmented file overwritten": (LEFT, NOTHING, NOTHING),
    "augmented file overwritten, then needed": (REFUSED, FROM_BOTTLENECKS, FROM_BOTTLENECKS),
    "older version restored": (NOTHING, NOTHING, NOTHING),
    "dvc exp apply": (NOTHING, NOTHING, NOTHING),
    ".snakemake deleted": (NOTHING, NOTHING, NOTHING),
    "bottleneck store deleted, and aug.factor": (FROM_AUGMENT, FROM_AUGMENT, FROM_AUGMENT),
    "row of the store corrupted, and aug.factor": (FROM_AUGMENT, FROM_AUGMENT, FROM_AUGMENT),
}
# Rows whose clones have a network in a file for a backbone.
OF_A_NETWORK_FILE = ("content of the network's file", "backbone.pooling")
CELLS = [(row, column) for row in ROWS for column in COLUMNS]


def expected(row: str, column: str) -> Expected:
    return ROWS[row][COLUMNS[column]]


# What a row does to a clone.


class Cell(Clone):
    """A clone in a place of its own: beside it lie its user's cache and DVC's state."""

    def do(self, *command: str) -> str:
        """Run a command that is to succeed; return all that it said."""
        done = self.run(*command)
        said = done.stdout + done.stderr
        if done.returncode:
            raise Wrong(f"{' '.join(command[:3])} failed", said)
        return said

    def image(self, label: str, number: int) -> Path:
        return sorted((self.folder / "data/digits" / label).glob("*.png"))[number]

    def copies(self) -> list[Path]:
        return sorted((self.folder / "data/augment").glob("*/*.jpg"))


class Wrong(Exception):
    """A cell is not as expected: in a few words, and all that was said on the way."""


def _unused_image() -> list[Path]:
    return sorted((shipped() / "data/digits/0").glob("*.png"))[IMAGES_A_CLASS:]


def change_argument(cell: Cell) -> None:
    params = cell.folder / "params.yaml"
    text = params.read_text(encoding="utf-8")
    assert "rotate: [-12, 12]" in text
    params.write_text(text.replace("rotate: [-12, 12]", "rotate: [-20, 20]"), encoding="utf-8")


def change_weights(cell: Cell) -> None:
    shutil.copyfile(cell.folder.parent / "other.weights.h5", cell.folder / "backbones/mini.weights.h5")


def change_network(cell: Cell) -> None:
    path = cell.folder / "backbones" / NETWORK
    model = onnx.load(path)
    weights = next(each for each in model.graph.initializer if each.name == "weights")
    weights.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(weights) * np.float32(1.01), "weights"))
    path.write_bytes(model.SerializeToString())


def add_image(cell: Cell) -> None:
    shutil.copyfile(_unused_image()[0], cell.folder / "data/digits/0/added.png")


def edit_in_place(cell: Cell) -> None:
    image = cell.image("0", 1)
    edit_unseen(image, next(each for each in _unused_image() if each.stat().st_size <= image.stat().st_size))


def remove_image(cell: Cell) -> None:
    cell.image("0", 1).unlink()


def rename_image(cell: Cell) -> None:
    image = cell.image("0", 1)
    image.rename(image.with_name("renamed.png"))


def move_image(cell: Cell) -> None:
    image = cell.image("0", 1)
    image.rename(cell.folder / "data/digits/3" / image.name)


def append(path: str, text: str) -> Callable[[Cell], None]:
    def change(cell: Cell) -> None:
        with open(cell.folder / path, "a", encoding="utf-8") as file:
            file.write(text)

    return change


def delete_copy(cell: Cell) -> None:
    cell.copies()[0].unlink()


def overwrite_copy(cell: Cell) -> None:
    one, other, *_ = cell.copies()
    one.write_bytes(other.read_bytes())


def overwrite_copy_and_need_it(cell: Cell) -> None:
    overwrite_copy(cell)
    cell.set(backbone__input_size=64)


def restore_older(cell: Cell) -> None:
    cell.do("git", "checkout", "--quiet", "v1")
    # A fresh clone has pulled the newest version only.
    cell.do("dvc", "pull") if is_fresh(cell) else cell.do("dvc", "checkout")


def apply_experiment(cell: Cell) -> None:
    if is_fresh(cell):
        cell.do("dvc", "exp", "pull", "origin", "tried")
    cell.do("dvc", "exp", "apply", "tried")


def delete_snakemake(cell: Cell) -> None:
    # A fresh clone has none.
    shutil.rmtree(cell.folder / ".snakemake", ignore_errors=True)


def delete_store(cell: Cell) -> None:
    # The user of the fresh clone has none.
    shutil.rmtree(cell.folder.parent / "cache", ignore_errors=True)
    cell.set(aug__factor=3)


def corrupt_row(cell: Cell) -> None:
    store = cell.folder.parent / "cache/two-huskies" / STORE
    if is_fresh(cell):
        # Its user has none yet: say that it is another clone of the one who has.
        store.parent.mkdir(parents=True)
        shutil.copyfile(cell.folder.parent / STORE, store)
    stage = cell.folder / "data/bottlenecks_augmented"
    identity = hashlib.sha256((stage / "identity.json").read_bytes()).hexdigest()
    image = hashlib.sha256(cell.copies()[0].read_bytes()).hexdigest()
    with contextlib.closing(sqlite3.connect(store)) as connection, connection:
        changed = connection.execute(
            "UPDATE bottlenecks SET features = zeroblob(length(features)) WHERE key = ?", (key(image, identity),)
        )
        assert changed.rowcount == 1
    # Else the stage would not ask the store for what its last output has.
    shutil.rmtree(stage)
    cell.set(aug__factor=3)


def is_fresh(cell: Cell) -> bool:
    return not (cell.folder / ".snakemake").exists()


CHANGES: dict[str, Callable[[Cell], None]] = {
    "aug.factor": lambda cell: cell.set(aug__factor=3),
    "an argument of an augmentation": change_argument,
    "split.seed": lambda cell: cell.set(split__seed=2),
    "convert.quality": lambda cell: cell.set(convert__quality=80),
    "backbone.layer": lambda cell: cell.set(backbone__layer="conv_pw_11_relu"),
    "backbone.preprocessing": lambda cell: cell.set(backbone__preprocessing={"interpolation": "nearest"}),
    "content of the weights file": change_weights,
    "content of the network's file": change_network,
    "backbone.pooling": lambda cell: cell.set(backbone__pooling="cls"),
    "train.steps": lambda cell: cell.set(train__steps=7),
    "train.l2": lambda cell: cell.set(train__l2=0.1),
    "cross_validation.folds": lambda cell: cell.set(cross_validation__folds=3),
    "gate.accuracy and card.title": lambda cell: cell.set(gate__accuracy=0.5, card__title="Digits"),
    "raw image added": add_image,
    "raw image edited, size and time restored": edit_in_place,
    "raw image removed": remove_image,
    "raw image renamed": rename_image,
    "raw image moved to another class": move_image,
    "code of augment": append("workflow/huskies/steps/augment.py", "\n_EDITED = True\n"),
    "a comment in split": append("workflow/huskies/steps/split.py", "# A comment.\n"),
    "augmented file deleted": delete_copy,
    "augmented file overwritten": overwrite_copy,
    "augmented file overwritten, then needed": overwrite_copy_and_need_it,
    "older version restored": restore_older,
    "dvc exp apply": apply_experiment,
    ".snakemake deleted": delete_snakemake,
    "bottleneck store deleted, and aug.factor": delete_store,
    "row of the store corrupted, and aug.factor": corrupt_row,
}


# Where the clones come from.

OF_A_FILE = "network"
NETWORK = "tokens.onnx"


class Bases:
    """What the cells start from, made once: a workspace with two recorded versions, and a fresh clone of it.

    There are two of each: with the bundled backbone, and with a network in a file.
    """

    def __init__(self, folder: Path, cells: Collection[tuple[str, str]]):
        """Make them in `folder`, where the cells and the builds from nothing will lie, as far as `cells` need them."""
        self._folder = folder
        self._builds: dict[str, Path] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()
        for origin in sorted({_origin(row) for row, _ in cells}):
            mine = [cell for cell in cells if _origin(cell[0]) == origin]
            self._make_workspace(origin, "dvc exp apply" in dict(mine))
            if "fresh clone" in dict(map(reversed, mine)):
                self._make_fresh_clone(origin)

    def _make_workspace(self, origin: str, experiment: bool) -> None:
        cell = Cell(self._folder / origin / "base/clone")
        place, hub = cell.folder.parent, self._folder / origin / "hub.git"
        clone_project(cell.folder)
        for label in (cell.folder / "data/digits").iterdir():
            for image in sorted(label.glob("*.png"))[IMAGES_A_CLASS:]:
                image.unlink()
        if origin == OF_A_FILE:
            shutil.copyfile(WORKING_TREE / "tests/networks" / NETWORK, cell.folder / "backbones" / NETWORK)
            cell.set(backbone__name=None, backbone__weights=NETWORK, backbone__output="last_hidden_state")
            cell.set(backbone__arguments={}, backbone__input_size=None, backbone__preprocessing={"scale": 1 / 255})
        subprocess.run(["git", "init", "--quiet", "--bare", hub], check=True)
        cell.do("git", "remote", "add", "origin", str(hub))
        # DVC takes a relative remote for one below the root of the disk when it pushes what is not checked out.
        cell.do("dvc", "remote", "add", "--default", "store", str(self._folder / origin / "store"))
        for version in (1, 2):
            cell.set(aug__factor=version, train__steps=5)
            cell.do("snakemake", "--cores", "2", "report")
            cell.do("git", "add", "--all")
            cell.do("git", "commit", "--quiet", "--message", f"Version {version}")
            cell.do("git", "tag", f"v{version}")
        cell.do("git", "push", "--quiet", "origin", "HEAD", "v1", "v2")
        cell.do("dvc", "push", "--all-commits")
        if experiment:
            cell.do("dvc", "exp", "run", "--temp", "--name", "tried", "-S", "aug.factor=4")
            cell.do("dvc", "exp", "push", "origin", "tried")
        weights = place / "other.weights.h5"
        shutil.copyfile(cell.folder / "backbones/mini.weights.h5", weights)
        with h5py.File(weights, "r+") as file:
            file.visititems(lambda _, each: each.write_direct(each[:] * 1.01) if _is_kernel(each) else None)

    def _make_fresh_clone(self, origin: str) -> None:
        cell, base = Cell(self._folder / origin / "fresh/clone"), self._folder / origin / "base"
        cell.folder.parent.mkdir()
        subprocess.run(["git", "clone", "--quiet", self._folder / origin / "hub.git", cell.folder], check=True)
        cell.do("git", "config", "user.name", "Tester")
        cell.do("git", "config", "user.email", "tester@example.org")
        cell.do("dvc", "pull")
        for name in ("other.weights.h5", f"cache/two-huskies/{STORE}"):
            shutil.copyfile(base / name, cell.folder.parent / Path(name).name)

    def cell(self, row: str, column: str) -> Cell:
        """Return a copy of the workspace as its user has it, or for the last column of the fresh clone."""
        place = self._folder / "cells" / re.sub(r"\W+", "-", f"{row} {column}")
        base = self._folder / _origin(row) / ("fresh" if column == "fresh clone" else "base")
        shutil.copytree(base, place, symlinks=True)
        cell = Cell(place / "clone")
        if column != "fresh clone":
            # What DVC and Snakemake remember of files goes by inode, and by times that lie some seconds back.
            time.sleep(2.1)
            for command in (["snakemake", "--cores", "2", "report"], ["dvc", "status"]):
                said = cell.do(*command)
                if stages_in(said):
                    raise Wrong("the copy is not up to date", said)
        return cell

    def from_nothing(self, cell: Cell) -> Clone:
        """Return a build with empty caches of the files as they are in the cell, made once for all that has them."""
        files = dict(_sources(cell.folder))
        digest = hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest()[:16]
        with self._lock:
            lock = self._locks.setdefault(digest, threading.Lock())
        with lock:
            clone = Cell(self._folder / "nothing" / digest / "clone")
            if digest not in self._builds:
                for file in files:
                    (clone.folder / file).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(cell.folder / file, clone.folder / file)
                clone.do("snakemake", "--cores", "2", "report")
                self._builds[digest] = clone.folder
        return clone


def _origin(row: str) -> str:
    return OF_A_FILE if row in OF_A_NETWORK_FILE else "bundled"


def _is_kernel(each: object) -> bool:
    return isinstance(each, h5py.Dataset) and each.ndim == 4


def _sources(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield (path, sha256) of every file that a build goes by."""
    tops = ["Snakefile", "params.yaml", "dvc.yaml", "ledger.csv", "profiles", "workflow", "backbones", "data/digits"]
    for top in tops:
        path = folder / top
        for file in [path] if path.is_file() else sorted(path.rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts:
                yield str(file.relative_to(folder)), hashlib.sha256(file.read_bytes()).hexdigest()


# What came of it.


@dataclasses.dataclass
class Seen:
    """What a way in did: its exit status, the stages it ran, all it said, and the clone or folder with its results."""

    status: int
    stages: tuple[str, ...]
    said: str
    results: Clone


def stages_in(said: str) -> tuple[str, ...]:
    return tuple(stages_run(said))


def run_snakemake(cell: Cell) -> Seen:
    done = cell.run("snakemake", "--cores", "2", "report")
    return Seen(done.returncode, stages_in(done.stderr), done.stdout + done.stderr, cell)


def run_dvc(cell: Cell, *command: str) -> Seen:
    done = cell.run("dvc", *command)
    return Seen(done.returncode, _stages_of_dvc(done.stdout + done.stderr), done.stdout + done.stderr, cell)


def run_temp(cell: Cell) -> Seen:
    cell.do("git", "add", "--all")
    seen = run_dvc(cell, "exp", "run", "--temp")
    named = re.search(r"^Ran experiment\(s\): (\S+)", seen.said, re.MULTILINE)
    return dataclasses.replace(seen, results=_results(cell, named[1])) if named else seen


def run_queue(cell: Cell) -> Seen:
    cell.do("git", "add", "--all")
    said = cell.do("dvc", "exp", "run", "--queue")
    name = re.search(r"^Queued experiment '(\S+)'", said, re.MULTILINE)[1]
    cell.do("dvc", "queue", "start", "-j", "2")
    end = time.monotonic() + TOOK_LONG
    while not (status := re.search(rf"{name} .*(Success|Failed)", cell.do("dvc", "queue", "status"))):
        if time.monotonic() > end:
            raise Wrong("the queue did not finish", cell.do("dvc", "queue", "status"))
        time.sleep(1)
    said = cell.do("dvc", "queue", "logs", name)
    cell.do("dvc", "queue", "stop")
    stages = _stages_of_dvc(said)
    return Seen(0, stages, said, _results(cell, name)) if status[1] == "Success" else Seen(1, stages, said, cell)


WAYS: dict[str, Callable[[Cell], Seen]] = {
    "snakemake": run_snakemake,
    "dvc repro": lambda cell: run_dvc(cell, "repro"),
    "dvc exp run": lambda cell: run_dvc(cell, "exp", "run"),
    "--temp": run_temp,
    "--queue": run_queue,
    "fresh clone": run_snakemake,
}


def _stages_of_dvc(said: str) -> tuple[str, ...]:
    ran = set(re.findall(r"^Running stage '(\w+)'", said, re.MULTILINE))
    if ran != set(stages_in(said)):
        raise Wrong(f"DVC ran {some(ran)}, but {some(stages_in(said))} did something", said)
    return stages_in(said)


def _results(cell: Cell, name: str) -> Clone:
    """Return the results of an experiment, from DVC, in a folder beside the clone."""
    results = Clone(cell.folder.parent / "results")
    results.folder.mkdir()
    cell.do("dvc", "get", ".", "data", "--rev", name, "--out", str(results.folder / "data"))
    return results


def try_cell(bases: Bases, row: str, column: str) -> None:
    """Make the change, go in by the column's way, and raise Wrong if what came of it is not what is expected."""
    cell = bases.cell(row, column)
    CHANGES[row](cell)
    truth = bases.from_nothing(cell)
    seen = WAYS[column](cell)
    wanted = expected(row, column)
    if wanted is REFUSED:
        check_results(after_refusal(cell, seen), truth)
    else:
        check_ran(seen, NOTHING if isinstance(wanted, Special) else wanted)
        if wanted is UNSEEN:
            check_seen_by_snakemake(cell)
        check_results(seen, truth, spared=("augment",) if wanted is LEFT else ())
    shutil.rmtree(cell.folder.parent)


def check_ran(seen: Seen, stages: tuple[str, ...]) -> None:
    if seen.status:
        raise Wrong("it failed", seen.said)
    if seen.stages != stages:
        raise Wrong(f"ran {some(seen.stages)}", seen.said)


def after_refusal(cell: Cell, seen: Seen) -> Seen:
    """Do as the error says, and run the same command again: it goes on from where the first one stopped."""
    if not seen.status or "ERROR: data/augment is not as its receipt says: " not in seen.said:
        raise Wrong(f"was not refused, ran {some(seen.stages)}", seen.said)
    shutil.rmtree(cell.folder / "data/augment")
    again = run_snakemake(cell)
    left = {"augment", *FROM_BOTTLENECKS} - set(seen.stages)
    check_ran(again, tuple(stage for stage in FROM_CONVERT if stage in left))
    return again


def check_seen_by_snakemake(cell: Cell) -> None:
    check_ran(run_snakemake(cell), FROM_CONVERT)
    status = cell.do("dvc", "status")
    if "up to date" not in status:
        raise Wrong("dvc status is not clean after snakemake", status)


def check_results(seen: Seen, truth: Clone, spared: tuple[str, ...] = ()) -> None:
    """Raise Wrong unless metrics.json, and every file of every stage, is as a build from nothing makes it."""
    stages = [stage for stage in FROM_CONVERT if stage not in spared]
    mine, right = seen.results.bytes_of(*stages), truth.bytes_of(*stages)
    if mine.get("metrics/metrics.json") != right["metrics/metrics.json"]:
        raise Wrong("the numbers are wrong", seen.said)
    different = sorted(name for name in mine.keys() | right.keys() if mine.get(name) != right.get(name))
    if different:
        raise Wrong(f"{some(different)}: other bytes", seen.said)


def some(names: object) -> str:
    names = sorted(names) if isinstance(names, set) else list(names)
    return f"{', '.join(names[:4])}{' …' if len(names) > 4 else ''}" or "nothing"


# The table.

LEGEND = {
    stages: f"{name} ({len(stages)})" if stages else name
    for stages, name in {
        NOTHING: "nothing",
        SPLIT: "split",
        FROM_CROSS_VALIDATION: "cross_validation → report",
        FROM_TRAINING: "train → report",
        FROM_AUGMENT: "augment → report",
        FROM_BOTTLENECKS: "bottlenecks → report",
        FROM_SPLIT: "split → report",
        FROM_GROUP: "group → report",
        FROM_CONVERT: "convert → report",
    }.items()
}
FOOTNOTES = (UNSEEN, LEFT, REFUSED)

INTRODUCTION = """# The rebuild matrix

What runs after each change, by each way in, tried with the real Snakemake and DVC in temporary clones with 15 images.
`make matrix` tries all cells, or those that `ONLY` names, and writes this file from what came of each when it was
last tried (`docs/rebuild-matrix.csv`). ✓ says that exactly these stages ran, and that afterwards `metrics.json` and
every other file of every stage were, byte for byte, those of a build from nothing with empty caches. – says that the
cell was last tried when the flow had a stage more or less, and was as expected then.

The clones have two recorded versions (`aug.factor` 1 and 2, the second checked out), a saved experiment and
a DVC remote; those for a network in a file have a small transformer in ONNX for a backbone. For `--temp` and `--queue`
(`dvc queue start -j 2`), `git add --all` comes first, since DVC takes along only what git knows; their results are read
from the experiment. The fresh clone has pulled the second version, has no cache of its user's, and runs
`snakemake metrics`; there, the older version and the experiment are pulled first.
"""


def in_words(wanted: Expected) -> str:
    """Return what stands in the table for an expectation."""
    if isinstance(wanted, Special):
        return f"{wanted.said} [{FOOTNOTES.index(wanted) + 1}]"
    return LEGEND[wanted]


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What came of a cell: nothing if it was as expected, else what happened; and the number of stages there were."""

    said: str
    stages: int


def kept() -> dict[tuple[str, str], Outcome]:
    """Return what came of each cell when it was last tried."""
    with open(OUTCOMES, encoding="utf-8", newline="") as file:
        return {(row["change"], row["by"]): Outcome(row["said"], int(row["stages"])) for row in csv.DictReader(file)}


def keep(outcomes: dict[tuple[str, str], Outcome]) -> None:
    """Write what came of the cells, and the table of it."""
    written = io.StringIO()
    rows = csv.writer(written, lineterminator="\n")
    rows.writerow(["change", "by", "said", "stages"])
    rows.writerows([*cell, outcomes[cell].said, outcomes[cell].stages] for cell in CELLS if cell in outcomes)
    atomic.write(OUTCOMES, written.getvalue().encode())
    atomic.write(TABLE, render(outcomes).encode())


def render(outcomes: dict[tuple[str, str], Outcome]) -> str:
    """Return the table as Markdown."""
    lines = [INTRODUCTION, f"| change | {' | '.join(map(_title, COLUMNS))} |", f"|---|{'---|' * len(COLUMNS)}"]
    for row in ROWS:
        cells = [_mark(outcomes.get((row, column)), in_words(expected(row, column))) for column in COLUMNS]
        lines.append(f"| {row} | {' | '.join(cells)} |")
    lines += ["", *(f"[{number}] {each.footnote}\n" for number, each in enumerate(FOOTNOTES, start=1))]
    lines += ["| in the table | the stages |", "|---|---|"]
    lines += [f"| {name} | {', '.join(stages)} |" for stages, name in LEGEND.items() if stages]
    return "\n".join(lines) + "\n"


def _title(column: str) -> str:
    return {
        "--temp": "dvc exp run --temp",
        "--queue": "dvc exp run --queue",
        "fresh clone": "fresh clone, dvc pull",
    }.get(column, column)


def _mark(outcome: Outcome | None, wanted: str) -> str:
    if outcome is None or outcome.stages != len(FROM_CONVERT):
        return f"{wanted} –"
    return f"{wanted} ✗ {outcome.said}" if outcome.said else f"{wanted} ✓"


def outcome_of(bases: Bases, cell: tuple[str, str]) -> str:
    """Return nothing if a cell is as expected, else what happened; a failing cell stops no other."""
    try:
        try_cell(bases, *cell)
    except Exception as error:
        what, *said = error.args if isinstance(error, Wrong) else (f"{type(error).__name__}: {error}",)
        print(f"--- {' / '.join(cell)}: {what}", *said, sep="\n", file=sys.stderr)
        return what.splitlines()[0]
    return ""


def main() -> int:
    """Try the chosen cells, two side by side, and keep what came of them."""
    parser = argparse.ArgumentParser(description="Try the rebuild matrix, and write docs/rebuild-matrix.md.")
    parser.add_argument("--only", default="", metavar="REGEX", help="only cells whose `row / column` matches")
    only = parser.parse_args().only
    chosen = [cell for cell in CELLS if re.search(only, " / ".join(cell))]
    outcomes = kept()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, ThreadPoolExecutor(2) as workers:
        bases = Bases(Path(folder), chosen)
        running = {workers.submit(outcome_of, bases, cell): cell for cell in chosen}
        for each in as_completed(running):
            cell = running[each]
            outcomes[cell] = Outcome(each.result(), len(FROM_CONVERT))
            print(f"{' / '.join(cell)}: {_mark(outcomes[cell], in_words(expected(*cell)))}", flush=True)
            keep(outcomes)
    wrong = sum(bool(outcomes[cell].said) for cell in chosen)
    print(f"{len(chosen) - wrong} of {len(chosen)} cells are as expected")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
