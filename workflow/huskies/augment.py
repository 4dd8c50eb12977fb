"""augment: `aug.factor` copies of every training image, and of nothing else.

Copy k of an image is seeded by (aug.seed, the source's sha256, k): it is the same on any number of cores, and
factor 10 holds the copies of factor 5. Validation and test images are never opened here.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from huskies import images, manifest, naming
from huskies.job import Job
from huskies.parallel import map_ordered
from huskies.progress import bar


@lru_cache(maxsize=1)
def _build(policy_json: str) -> Callable[[np.ndarray, int], np.ndarray]:
    """Return the function that augments; each process builds it once."""
    # albumentations takes a second to import, and only those who make copies need it.
    from huskies import policy

    return policy.build(json.loads(policy_json))


def copy_seed(seed: int, source_sha256: str, copy: int) -> int:
    """Return the 32-bit seed of one copy of one image."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{source_sha256}:{copy}".encode()).digest()[:4])


def make_copies(
    path: Path, sha256: str, source_sha256: str, factor: int, seed: int, policy_json: str, quality: int
) -> list[bytes]:
    """Return `factor` augmented copies of one image as JPEG bytes; the image is decoded once for all of them."""
    pixels = images.decode_jpeg(images.read_checked(path, sha256))
    augment = _build(policy_json)
    return [images.encode(augment(pixels, copy_seed(seed, source_sha256, k)), quality) for k in range(factor)]


def _make_copies(arguments: tuple) -> list[bytes]:
    return make_copies(*arguments)


def copies_of(
    rows: pd.DataFrame, folder: Path, parameters: dict[str, Any], quality: int, cores: int, stage: str
) -> Iterator[list[bytes]]:
    """Yield the copies of each image in `rows` of the manifest in `folder` as JPEG bytes, in order.

    parameters: the section `aug`; stage: the name at the bar.
    """
    settings = (parameters["factor"], parameters["seed"], json.dumps(parameters["policy"]), quality)
    tasks = [(folder / row.file, row.sha256, row.source_sha256, *settings) for row in rows.itertuples()]
    made = map_ordered(_make_copies, tasks, cores, "huskies.augment", "huskies.policy", name=lambda task: str(task[0]))
    return bar(made, len(tasks), stage)


def run(job: Job) -> str:
    """Fill job.output with `<class>/train_<stem>_<k>.jpg` and manifest.csv; return a line on what was made."""
    parameters, folder = job.params["aug"], job.inputs["split"]
    rows = manifest.read(folder / manifest.NAME)
    rows = rows[rows["split"] == "train"] if parameters["factor"] else rows.iloc[:0]
    results = copies_of(rows, folder, parameters, job.params["convert"]["quality"], job.cores, job.stage)
    made = []
    for row, copies in zip(rows.to_dict("records"), results, strict=True):
        (job.output / row["file"]).parent.mkdir(exist_ok=True)
        for k, jpeg in enumerate(copies):
            file = naming.with_copy(row["file"], k)
            (job.output / file).write_bytes(jpeg)
            made.append({**row, "file": file, "copy": str(k), "sha256": images.sha256(jpeg)})
    manifest.write(manifest.make(made), job.output / manifest.NAME)
    return f"{len(made)} copies of {len(rows)} training images, factor {parameters['factor']}"
