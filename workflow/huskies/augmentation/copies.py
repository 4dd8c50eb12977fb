"""Augmented copies of images. Copy k of one is seeded by (aug.seed, the source's sha256, k), and by nothing else."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from huskies import shards
from huskies.images import codec, manifest, naming
from huskies.parallel import map_ordered
from huskies.progress import bar

# The files of all copies of an image, in their order, by the sha256 of its JPEG and that of its source.
Known = Mapping[tuple[str, str], list[Path]]


@lru_cache(maxsize=1)
def _build(policy_json: str) -> Callable[[np.ndarray, int], np.ndarray]:
    """Return the function that augments; each process builds it once."""
    # albumentations takes a second to import, and only those who make copies need it.
    from huskies.augmentation import policy

    return policy.build(json.loads(policy_json))


def copy_seed(seed: int, source_sha256: str, copy: int) -> int:
    """Return the 32-bit seed of one copy of one image."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{source_sha256}:{copy}".encode()).digest()[:4])


def make_copies(
    path: Path, sha256: str, source_sha256: str, factor: int, seed: int, policy_json: str, quality: int
) -> list[bytes]:
    """Return `factor` augmented copies of one image as JPEG bytes; the image is decoded once for all of them."""
    pixels = codec.decode_jpeg(codec.read_checked(path, sha256))
    augment = _build(policy_json)
    return [codec.encode(augment(pixels, copy_seed(seed, source_sha256, k)), quality) for k in range(factor)]


def _make_copies(task: tuple | list[Path]) -> list[bytes] | list[Path]:
    return task if isinstance(task, list) else make_copies(*task)


def copies_of(
    rows: pd.DataFrame,
    folder: Path,
    parameters: dict[str, Any],
    quality: int,
    cores: int,
    stage: str,
    known: Known = MappingProxyType({}),
) -> Iterator[list[bytes] | list[Path]]:
    """Yield the copies of each image in `rows` of the manifest in `folder`, in order: JPEG bytes, or files of `known`.

    parameters: the section `aug`; stage: the name at the bar. known: copies that need not be made.
    """
    settings = (parameters["factor"], parameters["seed"], json.dumps(parameters["policy"]), quality)
    tasks = [
        known.get((row.sha256, row.source_sha256)) or (folder / row.file, row.sha256, row.source_sha256, *settings)
        for row in rows.itertuples()
    ]
    made = map_ordered(
        _make_copies, tasks, cores, __name__, "huskies.augmentation.policy", name=lambda task: str(task[0])
    )
    return bar(made, len(tasks), stage)


def write(
    rows: pd.DataFrame,
    folder: Path,
    output: Path,
    parameters: dict[str, Any],
    quality: int,
    cores: int,
    stage: str,
    known: Known = MappingProxyType({}),
) -> pd.DataFrame:
    """Write `copies_of` the rows to `output`, as `<class>/<stem>_<k>.jpg`; return their manifest."""
    results = copies_of(rows, folder, parameters, quality, cores, stage, known)
    made = []
    for row, copies in zip(rows.to_dict("records"), results, strict=True):
        (output / row["file"]).parent.mkdir(exist_ok=True)
        for k, copy in enumerate(copies):
            file = naming.with_copy(row["file"], k)
            jpeg = shards.put(copy, output / file)
            made.append({**row, "file": file, "copy": str(k), "sha256": codec.sha256(jpeg)})
    return manifest.make(made)
