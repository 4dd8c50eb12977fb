"""A descriptor that flips and turns do not change: the bundled network's features, averaged over eight views.

It serves to find near-duplicates alone and is independent of params.yaml, so that another backbone is no other split.
"""

import functools
import hashlib
import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from huskies import imports
from huskies.backbone import engine, inference, network
from huskies.backbone.store import Store, key
from huskies.job import Job
from huskies.near_duplicates import alignment, comparison
from huskies.progress import bar

NETWORK = {
    "name": "MobileNet",
    "arguments": {"alpha": 0.5},
    "weights": "mini.weights.h5",
    "layer": None,
    "input_size": comparison.SIDE,
    "engine": "auto",
    # Groups decide on the split, which is to be the same on every machine.
    "precision": "float32",
}
# Images that are computed and kept together: a killed run goes on where it stopped.
_CHUNK = 64


def compute(thumbnails: np.ndarray, cores: int) -> Iterator[np.ndarray]:
    """Yield float32 descriptors, _CHUNK × 512 and fewer at the end, for RGB uint8 thumbnails, in order."""
    infer, _, size = engine.load(
        inference.settle(NETWORK), cores, functools.partial(network.trace, NETWORK), alignment.TURNS
    )
    starts = range(0, alignment.TURNS, size)

    def describe(thumbnail: np.ndarray) -> np.ndarray:
        views = np.stack([alignment.turned(thumbnail, turn) for turn in range(alignment.TURNS)])
        return np.concatenate([infer(views[start : start + size]) for start in starts]).mean(axis=0)

    def work(start: int) -> np.ndarray:
        return np.stack([describe(each) for each in thumbnails[start : start + _CHUNK]])

    with ThreadPoolExecutor(cores) as pool:
        yield from pool.map(work, range(0, len(thumbnails), _CHUNK))


def identity(job: Job) -> str:
    """Return a digest of all that descriptors depend on besides the image, the engine of this machine included.

    To settle on the engine takes seconds, once for a cache.
    """
    described = {
        "network": inference.settle(NETWORK),
        "weights": job.files,
        "libraries": job.libraries,
        "code": imports.Package().code("near_duplicates.descriptor"),
    }
    return hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()


def load(job: Job, store: Store, described: str, thumbnails: np.ndarray, sha256s: Sequence[str]) -> np.ndarray:
    """Return the float32 descriptor of each of some thumbnails, N × 512, from the store where it is known.

    described: the `identity` of the descriptors.
    """
    keys = [key(sha256, described) for sha256 in sha256s]
    known = dict(store.get(keys))
    missing = [position for position, name in enumerate(keys) if name not in known]
    starts = range(0, len(missing), _CHUNK)
    chunks = compute(thumbnails[missing], job.cores) if missing else ()
    for start, features in zip(starts, bar(chunks, len(starts), job.stage, unit=" chunks"), strict=True):
        rows = [(keys[position], row) for position, row in zip(missing[start : start + _CHUNK], features, strict=True)]
        store.put(rows)
        known.update(rows)
    return np.array([known[name] for name in keys], np.float32)
