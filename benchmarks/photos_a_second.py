"""Photos a second from JPEGs to bottlenecks on this machine, with the backbone of params.yaml, by each engine it has.

Run in the project's folder, on a node with a GPU or without: `.venv/bin/python benchmarks/photos_a_second.py`. It
prints a line for each engine and changes nothing. The engines take turns, and a line has the fastest of three.
"""

import argparse
import itertools
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ["KERAS_BACKEND"] = "tensorflow"

import numpy as np
from huskies.backbone import inference, openvino_engine
from huskies.errors import HuskyError
from huskies.images import codec
from huskies.planning import params

SIDE, TURNS = 342, 3


def photos(folder: Path, count: int) -> list[Path]:
    """Write JPEGs of noise, blurred as photos are, of the size that convert leaves; return their paths."""
    random, made = np.random.default_rng(0), []
    for number in range(count):
        coarse = random.integers(0, 256, (SIDE // 6, SIDE // 6, 3), dtype=np.uint8)
        made.append(folder / f"{number}.jpg")
        made[-1].write_bytes(codec.encode(codec.resize(coarse, SIDE), 95))
    return made


def read(path: Path) -> np.ndarray:
    """Return the pixels of a photo."""
    return codec.decode_jpeg(path.read_bytes())


def backbones(cores: int) -> Iterator[tuple[str, dict[str, Any], inference.Ready]]:
    """Yield (name, settled parameters, the backbone) for each engine and precision that can be had."""
    section = params.load()["backbone"]
    asked = [("tensorflow", "float32"), *(("openvino", each) for each in openvino_engine.precisions())]
    for engine, precision in asked:
        settled = inference.settle({**section, "engine": engine, "precision": precision})
        name = f"{engine} {precision}{' on a GPU' if 'device' in settled else ''}"
        try:
            yield name, settled, inference.load(settled, cores)
        except HuskyError as error:
            print(f"{name}: {error}")


def main() -> None:
    """Print photos a second of each engine and precision."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=2000, help="photos a turn")
    count = parser.parse_args().photos
    cores = len(os.sched_getaffinity(0))
    ready = list(backbones(cores))
    seconds: dict[str, list[float]] = {name: [] for name, _, _ in ready}
    with tempfile.TemporaryDirectory() as folder:
        paths = photos(Path(folder), count)
        for turn, (name, settled, backbone) in itertools.product(range(TURNS), ready):
            # The first batches of all are slower.
            for chosen in (paths[:64], paths) if turn == 0 else (paths,):
                begun = time.perf_counter()
                for _ in inference.stream(settled, chosen, read, str, cores, ready=backbone):
                    pass
            seconds[name].append(time.perf_counter() - begun)
    for name, taken in seconds.items():
        print(f"{name}: {len(paths) / min(taken):.0f} photos a second with {cores} cores")


if __name__ == "__main__":
    main()
