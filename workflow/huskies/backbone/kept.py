"""Bottlenecks that are known are not computed: they are looked for in the store, in shards, earlier output, and DVC."""

import functools
import hashlib
import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pandas as pd

from huskies import outputs, receipt, restore
from huskies.backbone import identity, inference
from huskies.backbone.store import Store, key
from huskies.images import manifest
from huskies.job import Job
from huskies.progress import bar

# Rows that are kept at once: a killed run goes on where it stopped.
_TOGETHER = 32


def previous_rows(folder: Path | None, described: str) -> dict[str, np.ndarray]:
    """Return the features, by image sha256, of an output of the stage, if it has the same identity."""
    if folder is None or receipt.damage(folder):
        return {}
    known = folder / identity.NAME
    if not known.is_file() or known.read_text() != described:
        return {}
    index = manifest.read(folder / outputs.INDEX)
    features = np.load(folder / outputs.FEATURES, mmap_mode="r")
    return dict(zip(index["sha256"], features, strict=True))


def recorded_rows(job: Job, described: str) -> dict[str, np.ndarray]:
    """Return the features, by image sha256, of the stage's output that dvc.lock records, if of the same identity.

    So a teammate who pulled and adds 20 photos computes only theirs.
    """
    with restore.output(job, lambda name: True) as folder:
        return previous_rows(folder, described)


def _prefix(described: str) -> str:
    return hashlib.sha256(described.encode()).hexdigest()


def _known(job: Job, store: Store, described: str, wanted: set[str], keeps: bool) -> Iterator[tuple[str, np.ndarray]]:
    """Yield (sha256, features) of the images that are known, asking the next place only for what is missing.

    keeps: whether the stage's own output has bottlenecks, so that earlier ones are a place to ask.
    """
    prefix, missing = _prefix(described), set(wanted)
    keys = {key(sha256, prefix): sha256 for sha256 in wanted}
    for name, features in store.get(keys):
        missing.discard(keys[name])
        yield keys[name], features
    folders = [*job.shards, job.previous, job.whole]
    places = [functools.partial(previous_rows, folder, described) for folder in folders]
    for earlier in (*places, functools.partial(recorded_rows, job, described)):
        if missing and keeps:
            found = earlier()
            # All of it, since this output is about to be replaced, and may be wanted again.
            store.put((key(sha256, prefix), features) for sha256, features in found.items())
            yield from ((sha256, found[sha256]) for sha256 in missing & found.keys())
            missing -= found.keys()


class _Table:
    """Features on their way to a .npy file, float32, N × D, in any order, none of them held."""

    def __init__(self, file: BinaryIO, sha256: pd.Series):
        """Fill a file, of which each row is of the image with that sha256; an image may be there more than once."""
        self._file, self._start = file, 0
        self._numbers = sha256.groupby(sha256).indices
        self.filled = np.zeros(len(sha256), bool)

    def take(self, rows: Iterable[tuple[str, np.ndarray]]) -> None:
        """Write rows, given as (sha256, float32 features). The first says how many features there are."""
        for sha256, features in rows:
            if not self._start:
                self._begin(len(features))
            for number in self._numbers[sha256]:
                self._file.seek(self._start + number * features.nbytes)
                self._file.write(features.tobytes())
                self.filled[number] = True

    def end(self) -> None:
        """Finish the file. Without any row it has no dimensions either."""
        if not self._start:
            self._begin(0)

    def _begin(self, dimensions: int) -> None:
        described = np.lib.format.header_data_from_array_1_0(np.empty((0, dimensions), np.float32))
        np.lib.format.write_array_header_1_0(self._file, {**described, "shape": (len(self.filled), dimensions)})
        self._start = self._file.tell()


def fill(
    job: Job, store: Store, folder: Path, rows: pd.DataFrame, parameters: dict[str, Any], output: Path
) -> tuple[np.ndarray, int]:
    """Write float32 features, one row for each manifest row, to `output`; return (memory-mapped, how many are new).

    parameters: the section `backbone` as this machine settles it. New ones are those that were computed now.
    """
    described = identity.of(job, parameters)
    with open(output, "wb") as file:
        table = _Table(file, rows["sha256"])
        table.take(_known(job, store, described, set(rows["sha256"]), keeps=output.parent == job.output))
        missing = rows[~table.filled].drop_duplicates("sha256")
        files = [(folder / row.file, row.sha256) for row in missing.itertuples()]
        if files:
            computed = bar(_one_by_one(parameters, files, job), len(files), job.stage)
            table.take(_put(store, _prefix(described), computed))
        table.end()
    return np.load(output, mmap_mode="r"), len(files)


def _one_by_one(
    parameters: dict[str, Any], files: list[tuple[Path, str]], job: Job
) -> Iterator[tuple[str, np.ndarray]]:
    for positions, features in inference.compute(parameters, files, job.cores, job.inputs["split"]):
        yield from ((files[position][1], row) for position, row in zip(positions, features, strict=True))


def _put(store: Store, prefix: str, computed: Iterator[tuple[str, np.ndarray]]) -> Iterator[tuple[str, np.ndarray]]:
    """Yield rows as they come, once they are in the store."""
    while batch := list(itertools.islice(computed, _TOGETHER)):
        store.put((key(sha256, prefix), row) for sha256, row in batch)
        yield from batch
