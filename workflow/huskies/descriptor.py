"""A descriptor that flips and turns do not change: the bundled network's features, averaged over eight views.

It serves to find near-duplicates alone and is independent of params.yaml, so that another backbone is no other split.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from huskies import backbone, likeness
from huskies.job import Job
from huskies.progress import bar
from huskies.store import Store, key

NETWORK = {
    "name": "MobileNet",
    "arguments": {"alpha": 0.5},
    "weights": "mini.weights.h5",
    "layer": None,
    "input_size": likeness.SIDE,
}
# Images that are computed and kept together: a killed run goes on where it stopped.
_CHUNK = 64
_MODULES = ("architectures", "backbone", "descriptor", "images", "likeness")


def compute(thumbnails: np.ndarray, cores: int) -> Iterator[np.ndarray]:
    """Yield float32 descriptors, _CHUNK × 512 and fewer at the end, for RGB uint8 thumbnails, in order."""
    tensorflow = backbone.load_tensorflow()
    model, side = backbone.build(NETWORK)
    preprocess = backbone.preprocessing(NETWORK["name"])
    signature = tensorflow.TensorSpec((backbone.BATCH, side, side, 3), tensorflow.float32)
    infer = tensorflow.function(lambda batch: model(batch, training=False), input_signature=[signature])
    together = backbone.BATCH // likeness.TURNS

    def describe(few: np.ndarray) -> np.ndarray:
        batch = np.zeros((backbone.BATCH, side, side, 3), np.float32)
        batch[: likeness.TURNS * len(few)] = [
            likeness.turned(each, turn) for each in few for turn in range(likeness.TURNS)
        ]
        features = infer(tensorflow.constant(preprocess(batch))).numpy()
        return features.reshape(together, likeness.TURNS, -1).mean(axis=1)[: len(few)]

    def work(start: int) -> np.ndarray:
        chunk = thumbnails[start : start + _CHUNK]
        return np.concatenate([describe(chunk[each : each + together]) for each in range(0, len(chunk), together)])

    with ThreadPoolExecutor(cores) as pool:
        yield from pool.map(work, range(0, len(thumbnails), _CHUNK))


def identity(job: Job) -> str:
    """Return a digest of all that descriptors depend on besides the image."""
    described = {
        "network": NETWORK,
        "weights": job.files,
        "libraries": job.libraries,
        "code": [job.code[f"workflow/huskies/{module}.py"] for module in _MODULES],
    }
    return hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()


def load(job: Job, store: Store, thumbnails: np.ndarray, sha256s: Sequence[str]) -> np.ndarray:
    """Return the float32 descriptor of each of some thumbnails, N × 512, from the store where it is known."""
    prefix = identity(job)
    keys = [key(sha256, prefix) for sha256 in sha256s]
    known = dict(store.get(keys))
    missing = [position for position, name in enumerate(keys) if name not in known]
    starts = range(0, len(missing), _CHUNK)
    chunks = compute(thumbnails[missing], job.cores) if missing else ()
    for start, features in zip(starts, bar(chunks, len(starts), job.stage, unit=" chunks"), strict=True):
        rows = [(keys[position], row) for position, row in zip(missing[start : start + _CHUNK], features, strict=True)]
        store.put(rows)
        known.update(rows)
    return np.array([known[name] for name in keys], np.float32)
