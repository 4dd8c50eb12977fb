"""bottlenecks_original, bottlenecks_augmented, bottlenecks_test: the backbone's pooled output, once per image.

The three differ only in the images: train and validation originals, augmented copies, test images. Test rows
have a stage of their own, so that training cannot read them by mistake. All three see data/split, by whose training
images int8 is calibrated.
"""

import hashlib
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from huskies import backbone, manifest, receipt, recorded, snapshot
from huskies.errors import HuskyError
from huskies.job import Job
from huskies.progress import bar
from huskies.store import Store, key

FEATURES = "features.npy"
INDEX = "index.csv"
IDENTITY = "identity.json"

# What turns the bytes of an image into a row; other code of the stage only moves rows about.
_CODE = [
    f"workflow/huskies/{module}.py"
    for module in ("architectures", "backbone", "engine", "images", "openvino_engine", "quantization", "weights")
]
# Rows that are kept at once: a killed run goes on where it stopped.
_TOGETHER = 32


def identity(job: Job, parameters: dict[str, Any]) -> str:
    """Return, as JSON, all that features depend on besides the image: two equal ones give equal features.

    parameters: the section `backbone` as this machine settles it.
    """
    described = {
        "backbone": parameters,
        "weights": job.files,
        "libraries": job.libraries,
        "code": {path: job.code[path] for path in _CODE},
    }
    return json.dumps(described, sort_keys=True)


def select(stage: str, inputs: dict[str, Path]) -> tuple[Path, pd.DataFrame]:
    """Return (folder of the images, their manifest rows) that the stage computes bottlenecks of."""
    source = "augment" if stage == "bottlenecks_augmented" else "split"
    splits = ("test",) if stage == "bottlenecks_test" else ("train", "val")
    rows = manifest.read(inputs[source] / manifest.NAME)
    return inputs[source], rows[rows["split"].isin(splits)].reset_index(drop=True)


def previous_rows(folder: Path | None, described: str) -> dict[str, np.ndarray]:
    """Return the features, by image sha256, of the stage's last output, if it has the same identity."""
    if folder is None or receipt.damage(folder):
        return {}
    # Other stages, which keep no bottlenecks, use the store as well.
    known = folder / IDENTITY
    if not known.is_file() or known.read_text() != described:
        return {}
    index = manifest.read(folder / INDEX)
    features = np.load(folder / FEATURES, mmap_mode="r")
    return dict(zip(index["sha256"], features, strict=True))


def recorded_rows(job: Job, described: str) -> dict[str, np.ndarray]:
    """Return the features, by image sha256, of the stage's output that dvc.lock records, if of the same identity.

    So a teammate who pulled and adds 20 photos computes only theirs.
    """
    with recorded.output(job, lambda name: True) as folder:
        return previous_rows(folder, described)


def _prefix(described: str) -> str:
    return hashlib.sha256(described.encode()).hexdigest()


def _known(job: Job, store: Store, described: str, wanted: set[str]) -> dict[str, np.ndarray]:
    """Return what is known of the images by sha256, asking the next place only for what is missing."""
    prefix = _prefix(described)
    keys = {key(sha256, prefix): sha256 for sha256 in wanted}
    known = {keys[name]: features for name, features in store.get(keys)}
    for earlier in (lambda: previous_rows(job.previous, described), lambda: recorded_rows(job, described)):
        if wanted - known.keys():
            found = earlier()
            # All of it, since this output is about to be replaced, and may be wanted again.
            store.put((key(sha256, prefix), features) for sha256, features in found.items())
            known = found | known
    return known


def fill(
    job: Job, store: Store, folder: Path, rows: pd.DataFrame, parameters: dict[str, Any]
) -> tuple[np.ndarray, int]:
    """Return (float32 features, one row for each manifest row; how many of them were computed now).

    parameters: the section `backbone` as this machine settles it.
    """
    described = identity(job, parameters)
    known = _known(job, store, described, set(rows["sha256"]))
    missing = rows[~rows["sha256"].isin(known)].drop_duplicates("sha256")
    files = [(folder / row.file, row.sha256) for row in missing.itertuples()]
    if files:
        computed = bar(_one_by_one(parameters, files, job), len(files), job.stage)
        known.update(_put(store, _prefix(described), computed))
    dimensions = len(next(iter(known.values()))) if known else 0
    features = np.zeros((len(rows), dimensions), np.float32)
    for row, sha256 in enumerate(rows["sha256"]):
        features[row] = known[sha256]
    return features, len(files)


def _one_by_one(
    parameters: dict[str, Any], files: list[tuple[Path, str]], job: Job
) -> Iterator[tuple[str, np.ndarray]]:
    for positions, features in backbone.compute(parameters, files, job.cores, job.inputs["split"]):
        yield from ((files[position][1], row) for position, row in zip(positions, features, strict=True))


def _put(store: Store, prefix: str, computed: Iterator[tuple[str, np.ndarray]]) -> Iterator[tuple[str, np.ndarray]]:
    """Yield rows as they come, once they are in the store."""
    while batch := list(itertools.islice(computed, _TOGETHER)):
        store.put((key(sha256, prefix), row) for sha256, row in batch)
        yield from batch


def load(folder: Path, images: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    """Return (index, memory-mapped float32 features) of a bottleneck stage's output.

    images: the rows of the manifest that it should have been made from. Raises HuskyError unless files and
    sha256 agree row by row: bottlenecks of other pixels under the same names are what the article warns of.
    """
    index = manifest.read(folder / INDEX)
    features = np.load(folder / FEATURES, mmap_mode="r")
    expected = list(zip(images["file"], images["sha256"], strict=True))
    if len(features) != len(index) or list(zip(index["file"], index["sha256"], strict=True)) != expected:
        raise HuskyError(
            f"the bottlenecks in {folder} are not of the images they are to stand for. "
            f"Delete {folder} and run the same command again."
        )
    return index, features


def run(job: Job) -> str:
    """Fill job.output with features.npy (float32, N × D), index.csv and identity.json; return a line on it."""
    folder, rows = select(job.stage, job.inputs)
    parameters = backbone.settle(job.params["backbone"], job.inputs["split"])
    with Store(snapshot.cache_folder()) as store:
        features, computed = fill(job, store, folder, rows, parameters)
    np.save(job.output / FEATURES, features)
    index = rows[["file", "label", "split", "source_sha256", "copy", "sha256"]]
    if job.stage == "bottlenecks_test":
        # Whoever compares features of test images, as `leaks` does, has no business with their labels.
        index = index.assign(label="")
    index.to_csv(job.output / INDEX, index=False, lineterminator="\n")
    (job.output / IDENTITY).write_text(identity(job, parameters))
    return f"computed {computed}, reused {len(rows) - computed} bottlenecks of {features.shape[1]} features"
