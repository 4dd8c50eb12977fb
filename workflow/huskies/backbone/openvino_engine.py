"""OpenVINO as the engine: the backbone is converted once and kept by content; a kept one needs no TensorFlow.

Every batch has one size and runs on one thread, so its sums add up in one order: a row has the same bits on any
number of cores and in any company. In int8 it is quantized, once for a set of calibration images, and kept as well.
"""

import json
import queue
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from huskies import imports
from huskies.backbone import architectures, converted, int8, network_file, openvino_setup, square
from huskies.errors import HuskyError
from huskies.images import codec

# A small batch stays in the processor's cache. A network in a file may have a batch of its own.
BATCH = 4
# What int8 leaves out is computed in float32.
_HINTS = {"bfloat16": "bf16", "float32": "f32", "int8": "f32"}
# The module whose code makes the network.
_ROOT = "backbone.inference"
# What makes a network, of keras.applications and in a file.
_KEYS = ("name", "arguments", "layer", "input_size")
_KEYS_OF_A_FILE = ("layer", "output", "pooling", "preprocessing")


def processor() -> dict[str, Any]:
    """Return the name of this processor, and what OpenVINO finds that it can do: one name may stand for several."""
    name, capabilities = (
        openvino_setup.core().get_property("CPU", each) for each in ("FULL_DEVICE_NAME", "OPTIMIZATION_CAPABILITIES")
    )
    return {"name": name, "capabilities": sorted(capabilities)}


def precisions() -> list[str]:
    """Return the precisions of `auto` that this processor computes in, the faster first."""
    native = "BF16" in processor()["capabilities"]
    return ["bfloat16", "float32"] if native else ["float32"]


def load(
    parameters: dict[str, Any], cores: int, trace: Callable, split: Path | None = None
) -> tuple[Callable[[np.ndarray], np.ndarray], int, int]:
    """Return (function from B × side × side × 3 uint8 pixels to float32 features, side, B), for up to `cores` threads.

    parameters: the section `backbone` of params.yaml, with the precision to compute in. trace: makes the TensorFlow
    function of the backbone for a size of batch; called where no converted one is kept. split: the folder data/split,
    whose training images calibrate int8.
    """
    precision = parameters["precision"]
    kept = _quantized(parameters, trace, split) if precision == "int8" else _converted(parameters, trace)
    return _compiled(kept, precision, cores)


def _compiled(kept: dict[str, np.ndarray], precision: str, cores: int) -> tuple[Callable, int, int]:
    model = _from_bytes(kept)
    settings = {
        "INFERENCE_PRECISION_HINT": _HINTS[precision],
        "NUM_STREAMS": cores,
        "INFERENCE_NUM_THREADS": cores,
        # Two runs on one machine would be pinned to the same cores.
        "ENABLE_CPU_PINNING": False,
    }
    compiled = openvino_setup.core().compile_model(model, "CPU", settings)
    idle = queue.SimpleQueue()
    for _ in range(cores):
        idle.put(compiled.create_infer_request())

    def infer(batch: np.ndarray) -> np.ndarray:
        request = idle.get()
        try:
            return request.infer([batch], share_inputs=True)[0]
        finally:
            idle.put(request)

    size, side, *_ = model.input(0).shape
    return infer, side, size


def fidelity(parameters: dict[str, Any], precision: str, trace: Callable) -> float:
    """Return the least cosine, over a few fixed pictures, of features in this precision to those of reference.

    These are TensorFlow's in float32, and OpenVINO's of a network in a file.
    """
    kept = _converted(parameters, trace)
    infer, side, size = _compiled(kept, precision, 1)
    return _least_cosine(_in_batches(infer, pictures(side), size), kept["reference"])


def model(parameters: dict[str, Any], trace: Callable) -> Any:
    """Return the OpenVINO model of the backbone as it is kept, in float32; trace: as for `load`."""
    return _from_bytes(_converted(parameters, trace))


def widths(parameters: dict[str, Any]) -> list[int]:
    """Return how many features each layer of a network in a file has."""
    return _converted(parameters, None)["widths"].tolist()


def _least_cosine(features: np.ndarray, reference: np.ndarray) -> float:
    lengths = np.linalg.norm(features, axis=1) * np.linalg.norm(reference, axis=1)
    return float(((features * reference).sum(axis=1) / lengths).min())


def _in_batches(infer: Callable, pixels: np.ndarray, size: int) -> np.ndarray:
    filled = np.concatenate([pixels, np.zeros((-len(pixels) % size, *pixels.shape[1:]), np.uint8)])
    rows = [infer(filled[start : start + size]) for start in range(0, len(filled), size)]
    return np.concatenate(rows)[: len(pixels)]


def pictures(side: int) -> np.ndarray:
    """Return 8 × side × side × 3 uint8 pixels, always the same, that strain bfloat16 about as photographs do.

    Their amplitudes fall with frequency, as f to the power of −1.5, and their colours are much alike.
    """
    random = np.random.default_rng(0)
    noise = random.standard_normal((8, side, side, 1)) + 0.3 * random.standard_normal((8, side, side, 3))
    frequencies = np.fft.fftfreq(side)
    frequency = np.maximum(np.hypot(frequencies[:, None], frequencies), 1 / side)
    shaped = np.fft.ifft2(np.fft.fft2(noise, axes=(1, 2)) / frequency[..., None] ** 1.5, axes=(1, 2)).real
    return np.clip(128 + 55 * (shaped - shaped.mean()) / shaped.std(), 0, 255).astype(np.uint8)


def key(parameters: dict[str, Any]) -> str:
    """Return a digest of all that the converted backbone follows from."""
    package, of_a_file = imports.Package(), architectures.is_network(parameters["weights"])
    keys = _KEYS_OF_A_FILE if of_a_file else _KEYS
    described = {
        "network": {each: parameters[each] for each in keys},
        "weights": architectures.weights_digest(parameters["weights"]),
        "libraries": imports.versions(package.libraries(_ROOT)),
        "code": package.code(_ROOT),
    }
    return codec.sha256(json.dumps(described, sort_keys=True).encode())


def _converted(parameters: dict[str, Any], trace: Callable) -> dict[str, np.ndarray]:
    """Return the converted backbone: xml and weights as bytes, and the features of reference of the fixed pictures.

    That of a file has the `widths` of its layers as well.
    """
    of_a_file = architectures.is_network(parameters["weights"])
    return converted.kept(key(parameters), lambda: _from_file(parameters) if of_a_file else _convert(trace))


def _quantized(parameters: dict[str, Any], trace: Callable, split: Path) -> dict[str, np.ndarray]:
    """Return the backbone in int8: xml and weights as bytes."""
    # Another type of processor may measure a little otherwise.
    described = [key(parameters), "int8", parameters["calibration"], processor()]
    name = codec.sha256(json.dumps(described, sort_keys=True).encode())
    return converted.kept(name, lambda: _quantize(parameters, trace, split))


def _quantize(parameters: dict[str, Any], trace: Callable, split: Path) -> dict[str, np.ndarray]:
    return _bytes(int8.quantize(model(parameters, trace), split, square.fit(parameters)))


def _convert(trace: Callable) -> dict[str, np.ndarray]:
    function, side = trace(BATCH)
    reference = _in_batches(lambda batch: function(batch).numpy(), pictures(side), BATCH)
    # OpenVINO would clip what is not a number to one that is.
    _check_finite(reference)
    model = openvino_setup.load_openvino().convert_model(function.get_concrete_function())
    return {**_bytes(model), "reference": reference}


def _from_file(parameters: dict[str, Any]) -> dict[str, np.ndarray]:
    model, found = network_file.assemble(parameters, BATCH)
    made = _bytes(model)
    infer, side, size = _compiled(made, "float32", 1)
    reference = _in_batches(infer, pictures(side), size)
    _check_finite(reference)
    return {**made, "reference": reference, "widths": np.array(found)}


def _check_finite(features: np.ndarray) -> None:
    if not np.isfinite(features).all():
        raise HuskyError("the backbone gives no finite features. Choose other weights in params.yaml.")


def _bytes(model: Any) -> dict[str, np.ndarray]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.xml")
        openvino_setup.load_openvino().save_model(model, path, compress_to_fp16=False)
        return {"xml": np.fromfile(path, np.uint8), "weights": np.fromfile(path.with_suffix(".bin"), np.uint8)}


def _from_bytes(kept: dict[str, np.ndarray]) -> Any:
    weights = openvino_setup.load_openvino().Tensor(kept["weights"])
    return openvino_setup.core().read_model(kept["xml"].tobytes().decode(), weights)
