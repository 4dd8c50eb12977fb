"""The machine's limit: the peak of its matrix multiply in each precision, the bandwidth of its memory, our share.

A share is of what OpenVINO's own multiplication of two square matrices reaches on all cores in the same precision,
which is oneDNN's kernel, as in the network's convolutions; the best size of matrix counts.
"""

import contextlib
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import engines
import numpy as np
import side_by_side
from huskies.backbone import network, openvino_engine
from speed_table import Line

CASE = "InceptionV3 to mixed8 at 299"
SIZES = (256, 512, 1024)
CHAIN = 8
TIMED = 4e10  # operations a core
COPIED = 1 << 28  # bytes; beyond any cache
HINTS = {"float32": "f32", "bfloat16": "bf16"}


def matrix_multiply(precision: str, size: int) -> Callable:
    """Return a chain of products of size × size matrices by OpenVINO on every core, as the engine runs its network.

    In a chain, as in a network, what lies between two products keeps their precision.
    """
    # Not at the top: where the engine runs, it is to import OpenVINO first, without its reports over the network.
    import openvino

    operations = openvino.opset13
    matrix = np.random.default_rng(0).random((size, size), np.float32) / size
    left = product = operations.parameter([size, size], openvino.Type.f32)
    for _ in range(CHAIN):
        product = operations.matmul(product, operations.constant(matrix), False, False)
    settings = {
        "INFERENCE_PRECISION_HINT": HINTS[precision],
        "NUM_STREAMS": engines.CORES,
        "INFERENCE_NUM_THREADS": engines.CORES,
        "ENABLE_CPU_PINNING": False,
    }
    model = openvino.Core().compile_model(openvino.Model([product], [left]), "CPU", settings)
    requests = [model.create_infer_request() for _ in range(engines.CORES)]

    def multiply(request) -> None:
        for _ in range(chains(size)):
            request.infer([matrix], share_inputs=True)

    def run() -> None:
        with ThreadPoolExecutor(engines.CORES) as pool:
            list(pool.map(multiply, requests))

    run()
    return run


def chains(size: int) -> int:
    """Return how many chains every core makes in turn: of small matrices many, so that it takes long enough."""
    return max(1, round(TIMED / (CHAIN * 2 * size**3)))


def operations_an_image(parameters: dict) -> float:
    """Return the floating-point operations of a backbone for one image: two for each multiplication with a weight.

    Only convolutions and dense layers count; the rest is less than a hundredth, and no matrix multiply.
    """
    model, _ = network.build(parameters)
    total = 0.0
    for layer in model.layers:
        kind = type(layer).__name__
        if kind == "Conv2D":
            total += 2 * np.prod(layer.output.shape[1:]) * np.prod(layer.kernel.shape[:3])
        elif kind == "DepthwiseConv2D":
            total += 2 * np.prod(layer.output.shape[1:]) * np.prod(layer.kernel.shape[:2])
        elif kind == "Dense":
            total += 2 * np.prod(layer.kernel.shape)
    return float(total)


def bandwidth() -> float:
    """Return the bytes a second that a copy of a large array reads and writes, the best of five."""
    source = np.ones(COPIED, np.uint8)
    copy = np.empty_like(source)
    best = np.inf
    for _ in range(5):
        start = time.perf_counter()
        np.copyto(copy, source)
        best = min(best, time.perf_counter() - start)
    return 2 * COPIED / best


def measure(folder: Path, repetitions: int) -> Iterator[Line]:
    """Yield the limits of the machine, and InceptionV3's share of the peak in each precision.

    folder: as benchmarks/engines.py makes it, with backbones/ and flowers/.
    """
    yield Line("limit", "memory: bytes read and written by a copy", bandwidth() / 1e9, "GB/s")
    images = engines.CASES[CASE][-1]
    with contextlib.chdir(folder):
        work = operations_an_image(engines.parameters_of(CASE, "openvino", "float32")) * images
    for precision in openvino_engine.precisions():
        network = f"OpenVINO {precision}, from memory"
        peers = {str(size): (matrix_multiply, precision, size) for size in SIZES}
        seconds = side_by_side.medians({network: (engines.prepared, folder, CASE, network), **peers}, repetitions)
        wall, processor = (
            {size: engines.CORES * chains(size) * CHAIN * 2 * size**3 / seconds[str(size)][kind] for size in SIZES}
            for kind in (0, 1)
        )
        peak = max(wall.values())
        yield Line("limit", f"matrix multiply, {precision}", peak / 1e9, "GFLOP/s")
        share = work / seconds[network].wall / peak
        by_processor = work / seconds[network].processor / max(processor.values())
        note = f"{by_processor:.2f} × by processor time; {work / images / 1e9:.2f} GFLOP an image, by its layers"
        yield Line("limit", f"InceptionV3 at 299 against matrix multiply, {precision}", share, "×", 0.9, note=note)
