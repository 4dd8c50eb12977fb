"""OpenVINO as the engine: the backbone is converted once and kept by content; a kept one needs no TensorFlow.

Every batch has one size and runs on one thread, so its sums add up in one order: a row has the same bits on any
number of cores and in any company. In int8 it is quantized, once for a set of calibration images, and kept as well.
"""

import functools
import json
import queue
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from huskies import digests, imports
from huskies.backbone import architectures, converted, int8
from huskies.errors import HuskyError
from huskies.images import codec

# A small batch stays in the processor's cache.
BATCH = 4
# What int8 leaves out is computed in float32.
_HINTS = {"bfloat16": "bf16", "float32": "f32", "int8": "f32"}
# The module whose code makes the network.
_ROOT = "backbone.inference"


def _openvino():
    # Else OpenVINO reports over the network that it was used, and keeps files about that in the home folder.
    sys.modules.setdefault("openvino_telemetry", None)
    import openvino

    return openvino


@functools.cache
def _core():
    return _openvino().Core()


def processor() -> dict[str, Any]:
    """Return the name of this processor, and what OpenVINO finds that it can do: one name may stand for several."""
    name, capabilities = (
        _core().get_property("CPU", each) for each in ("FULL_DEVICE_NAME", "OPTIMIZATION_CAPABILITIES")
    )
    return {"name": name, "capabilities": sorted(capabilities)}


def precisions() -> list[str]:
    """Return the precisions of `auto` that this processor computes in, the faster first."""
    native = "BF16" in processor()["capabilities"]
    return ["bfloat16", "float32"] if native else ["float32"]


def load(
    parameters: dict[str, Any], cores: int, trace: Callable, split: Path | None = None
) -> tuple[Callable[[np.ndarray], np.ndarray], int]:
    """Return (function from BATCH × side × side × 3 uint8 pixels to float32 features, side), for up to `cores` threads.

    parameters: the section `backbone` of params.yaml, with the precision to compute in. trace: makes the TensorFlow
    function of the backbone for a size of batch; called where no converted one is kept. split: the folder data/split,
    whose training images calibrate int8.
    """
    precision = parameters["precision"]
    kept = _quantized(parameters, trace, split) if precision == "int8" else _converted(parameters, trace)
    return _compiled(kept, precision, cores)


def _compiled(kept: dict[str, np.ndarray], precision: str, cores: int) -> tuple[Callable, int]:
    model = _from_bytes(kept)
    settings = {
        "INFERENCE_PRECISION_HINT": _HINTS[precision],
        "NUM_STREAMS": cores,
        "INFERENCE_NUM_THREADS": cores,
        # Two runs on one machine would be pinned to the same cores.
        "ENABLE_CPU_PINNING": False,
    }
    compiled = _core().compile_model(model, "CPU", settings)
    idle = queue.SimpleQueue()
    for _ in range(cores):
        idle.put(compiled.create_infer_request())

    def infer(batch: np.ndarray) -> np.ndarray:
        request = idle.get()
        try:
            return request.infer([batch], share_inputs=True)[0]
        finally:
            idle.put(request)

    return infer, model.input(0).shape[1]


def fidelity(parameters: dict[str, Any], precision: str, trace: Callable) -> float:
    """Return the least cosine, over a few fixed pictures, of features in this precision to TensorFlow's in float32."""
    kept = _converted(parameters, trace)
    infer, side = _compiled(kept, precision, 1)
    return _least_cosine(_in_batches(infer, pictures(side)), kept["reference"])


def _least_cosine(features: np.ndarray, reference: np.ndarray) -> float:
    lengths = np.linalg.norm(features, axis=1) * np.linalg.norm(reference, axis=1)
    return float(((features * reference).sum(axis=1) / lengths).min())


def _in_batches(infer: Callable, pixels: np.ndarray) -> np.ndarray:
    return np.concatenate([infer(pixels[start : start + BATCH]) for start in range(0, len(pixels), BATCH)])


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
    weights, package = architectures.weights_file(parameters["weights"]), imports.Package()
    described = {
        "network": {each: parameters[each] for each in ("name", "arguments", "layer", "input_size")},
        # Those of Keras are fixed by its version, which checks them.
        "weights": digests.file_digest(weights) if weights else "imagenet",
        "libraries": imports.versions(package.libraries(_ROOT)),
        "code": package.code(_ROOT),
    }
    return codec.sha256(json.dumps(described, sort_keys=True).encode())


def _converted(parameters: dict[str, Any], trace: Callable) -> dict[str, np.ndarray]:
    """Return the converted backbone: xml and weights as bytes, and TensorFlow's features of the fixed pictures."""
    return converted.kept(key(parameters), lambda: _convert(trace))


def _quantized(parameters: dict[str, Any], trace: Callable, split: Path) -> dict[str, np.ndarray]:
    """Return the backbone in int8: xml and weights as bytes."""
    # Another type of processor may measure a little otherwise.
    described = [key(parameters), "int8", parameters["calibration"], processor()]
    name = codec.sha256(json.dumps(described, sort_keys=True).encode())
    return converted.kept(name, lambda: _bytes(int8.quantize(_from_bytes(_converted(parameters, trace)), split)))


def _convert(trace: Callable) -> dict[str, np.ndarray]:
    function, side = trace(BATCH)
    reference = _in_batches(lambda batch: function(batch).numpy(), pictures(side))
    # OpenVINO would clip what is not a number to one that is.
    if not np.isfinite(reference).all():
        raise HuskyError("the backbone gives no finite features. Choose other weights in params.yaml.")
    return {**_bytes(_openvino().convert_model(function.get_concrete_function())), "reference": reference}


def _bytes(model: Any) -> dict[str, np.ndarray]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.xml")
        _openvino().save_model(model, path, compress_to_fp16=False)
        return {"xml": np.fromfile(path, np.uint8), "weights": np.fromfile(path.with_suffix(".bin"), np.uint8)}


def _from_bytes(kept: dict[str, np.ndarray]) -> Any:
    return _core().read_model(kept["xml"].tobytes().decode(), _openvino().Tensor(kept["weights"]))
