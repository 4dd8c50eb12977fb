"""What the backbone computes: the features of many images, on all cores, the same bits in any company."""

import functools
import itertools
import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from huskies import imports
from huskies.backbone import (
    architectures,
    converted,
    engine,
    network,
    openvino_engine,
    square,
    tensorflow_setup,
)
from huskies.errors import HuskyError, some
from huskies.images import codec

Item = TypeVar("Item")

# TensorFlow's batch. OpenVINO has its own.
BATCH = 32
# Batches a core that may be ahead of whoever stores the features, so that no core waits for that. Only features are
# held, since a batch is decoded when its turn comes.
_AHEAD = 32


def settle(parameters: dict[str, Any], split: Path | None = None) -> dict[str, Any]:
    """Return the parameters with the engine and the precision that `auto` stands for on this machine.

    Where `layer` asks for several, a key `widths` says how many features each has. split: the folder data/split, whose
    training images calibrate int8 and nothing else.
    """
    settled = engine.settle(parameters, functools.partial(network.trace, parameters), split)
    several = parameters["layer"] == "auto" or isinstance(parameters["layer"], list)
    if not several:
        return settled
    if not architectures.is_network(parameters["weights"]):
        return {**settled, "widths": _widths(parameters)}
    with engine.reported(parameters):
        return {**settled, "widths": openvino_engine.widths(parameters)}


def _widths(parameters: dict[str, Any]) -> list[int]:
    """Return the `widths` of the network, from the memory of this machine where they are known: Keras takes seconds."""
    package = imports.Package()
    keys = ("name", "arguments", "layer", "input_size")
    described = [{each: parameters[each] for each in keys}, package.code("backbone.network"), version("keras")]
    name = f"widths-{codec.sha256(json.dumps(described, sort_keys=True).encode())}"

    def measure() -> dict[str, np.ndarray]:
        tensorflow_setup.load_tensorflow()
        return {"widths": np.array(network.widths(parameters))}

    return converted.kept(name, measure)["widths"].tolist()


def compute(
    parameters: dict[str, Any],
    files: Sequence[tuple[Path, str]],
    cores: int,
    split: Path | None = None,
    fit: Callable[[np.ndarray, int, int], np.ndarray] | None = None,
) -> Iterator[tuple[range, np.ndarray]]:
    """Yield (positions in `files`, float32 features, one row each) batch by batch, in order.

    files: (path of a JPEG, its sha256). split: as in `settle`. fit: makes side × side × 3 pixels, uint8, of a decoded
    image, the side and the position in `files`; called by several threads. Without it, square.fit does. The rest
    is as for `stream`.
    Raises HuskyError for a file that is not what its manifest lists, and for features that are not finite.
    """

    def read(position: int) -> np.ndarray:
        return codec.decode_jpeg(codec.read_checked(*files[position]))

    def name(position: int) -> str:
        return str(files[position][0])

    for positions, features in stream(parameters, range(len(files)), read, name, cores, split, fit):
        yield range(positions[0], positions[-1] + 1), features


@dataclass(frozen=True)
class Ready:
    """A backbone that is loaded: infer takes size × side × side × 3 uint8 pixels to float32 features, size × D."""

    infer: Callable[[np.ndarray], np.ndarray]
    side: int
    size: int


def load(parameters: dict[str, Any], cores: int, split: Path | None = None) -> Ready:
    """Return the backbone, ready for up to `cores` threads; split: as in `settle`."""
    tracing = functools.partial(network.trace, parameters)
    return Ready(*engine.load(settle(parameters, split), cores, tracing, BATCH, split))


def stream(
    parameters: dict[str, Any],
    items: Iterable[Item],
    read: Callable[[Item], np.ndarray],
    name: Callable[[Item], str],
    cores: int,
    split: Path | None = None,
    fit: Callable[[np.ndarray, int, Item], np.ndarray] | None = None,
    ready: Ready | None = None,
) -> Iterator[tuple[list[Item], np.ndarray]]:
    """Yield (some items, float32 features, one row each) batch by batch, in order.

    items: any number, of which a few batches are taken ahead. read: returns the RGB pixels, uint8, of an item; called
    by several threads, as `fit` is. name: what an error calls an item. split, fit: as for `compute`. Every batch has
    one size, the last one padded, and runs on one thread, which decodes it first; as many run side by side as there are
    cores. So a row has the same bits on any number of cores and in any company; no core waits for another. ready: the
    backbone, where it is loaded already.
    Raises HuskyError for features that are not finite.
    """
    ready = ready or load(parameters, cores, split)
    side, fitted = ready.side, square.fit(parameters)

    def work(together: list[Item]) -> np.ndarray:
        batch = np.zeros((ready.size, side, side, 3), np.uint8)
        for row, item in enumerate(together):
            batch[row] = fit(read(item), side, item) if fit else fitted(read(item), side)
        return ready.infer(batch)[: len(together)]

    waiting = iter(items)
    pool = ThreadPoolExecutor(cores)
    try:
        pending = deque()
        while together := list(itertools.islice(waiting, ready.size)):
            pending.append((together, pool.submit(work, together)))
            if len(pending) >= _AHEAD * cores:
                yield _finite(*pending.popleft(), name)
        while pending:
            yield _finite(*pending.popleft(), name)
    finally:
        pool.shutdown(cancel_futures=True)


def _finite(together: list[Item], computed: Future, name: Callable[[Item], str]) -> tuple[list[Item], np.ndarray]:
    features = computed.result()
    finite = np.isfinite(features).all(axis=1)
    if not finite.all():
        bad = [name(item) for item, right in zip(together, finite, strict=True) if not right]
        raise HuskyError(f"the backbone gives no finite features for {some(bad)}. Choose other weights in params.yaml.")
    return together, features
