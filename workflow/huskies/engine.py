"""Which engine computes bottlenecks and in what precision, where params.yaml leaves it to the machine.

`auto` is TensorFlow where it sees a GPU, else OpenVINO: in bfloat16 where the processor has the instructions and the
features stay those of float32, else in float32. Whatever else it comes to is said in a line. int8 is for whoever asks.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from huskies import openvino_engine, quantization
from huskies.errors import HuskyError

# The least cosine to the features of TensorFlow in float32 with which `auto` takes OpenVINO in each precision.
FAITHFUL = {"bfloat16": 0.999, "float32": 0.9999}
# One of these is there where a driver for NVIDIA's GPUs is, on Linux and in WSL.
_DRIVERS = (Path("/dev/nvidiactl"), Path("/dev/dxg"))


def settle(parameters: dict[str, Any], trace: Callable, split: Path | None = None) -> dict[str, Any]:
    """Return the section `backbone` of params.yaml with the engine and the precision that this machine will use.

    trace: makes the TensorFlow function of the backbone for a size of batch, as backbone.trace does; called where the
    backbone is not yet converted. split: the folder data/split, whose training images calibrate int8; a key
    `calibration` then says which they are. Raises HuskyError for an engine or a precision by name that cannot be had.
    """
    engine, precision = parameters["engine"], parameters["precision"]
    if precision == "int8":
        return {**parameters, "engine": "openvino", "calibration": quantization.calibration(split)}
    if engine == "tensorflow" or (engine == "auto" and precision != "bfloat16" and _sees_gpu()):
        return {**parameters, "engine": "tensorflow", "precision": "float32"}
    if engine == "openvino" or precision == "bfloat16":
        found = _named(parameters, trace)
    else:
        found = _automatic(parameters, trace)
    return {**parameters, **found}


def _named(parameters: dict[str, Any], trace: Callable) -> dict[str, str]:
    try:
        able = openvino_engine.precisions()
        precision = parameters["precision"]
        if precision == "auto":
            precision = next(each for each in able if each == "float32" or _faithful(parameters, each, trace))
    except HuskyError:
        raise
    except Exception as error:
        raise _unusable(error) from None
    if precision not in able:
        raise HuskyError(f"backbone.precision: this processor has no {precision}. Set it to auto or float32.")
    return {"engine": "openvino", "precision": precision}


def _automatic(parameters: dict[str, Any], trace: Callable) -> dict[str, str]:
    try:
        able = openvino_engine.precisions() if parameters["precision"] == "auto" else [parameters["precision"]]
        for precision in able:
            if _faithful(parameters, precision, trace):
                return {"engine": "openvino", "precision": precision}
    except HuskyError:
        raise
    # OpenVINO raises many kinds of error for what it cannot import, convert or compile.
    except Exception as error:
        _announce(f"OpenVINO cannot be used and TensorFlow is: {_first_line(error)}")
    return {"engine": "tensorflow", "precision": "float32"}


def _faithful(parameters: dict[str, Any], precision: str, trace: Callable) -> bool:
    cosine, least = openvino_engine.fidelity(parameters, precision, trace), FAITHFUL[precision]
    faithful = cosine >= least
    if not faithful:
        _announce(f"OpenVINO in {precision} is not used: it changes features (cosine {cosine:.5f}, at least {least})")
    return faithful


def load(
    parameters: dict[str, Any], cores: int, trace: Callable, batch: int, split: Path | None = None
) -> tuple[Callable[[np.ndarray], np.ndarray], int, int]:
    """Return (function from a batch of uint8 pixels to float32 features, side of the input, images in a batch).

    parameters: settled. The function may be called by `cores` threads at once, and gives the same bits to each.
    batch: images in a batch of TensorFlow. split: as in `settle`. Raises HuskyError where OpenVINO cannot run the
    backbone, and for int8 without NNCF.
    """
    if parameters["engine"] == "tensorflow":
        function, side = trace(batch)
        return lambda pixels: function(pixels).numpy(), side, batch
    try:
        return *openvino_engine.load(parameters, cores, trace, split), openvino_engine.BATCH
    except HuskyError:
        raise
    except Exception as error:
        if parameters["precision"] == "int8":
            message = f"backbone.precision: int8 cannot be had: {_first_line(error)}. Set it to auto."
            raise HuskyError(message) from None
        raise _unusable(error) from None


def _unusable(error: Exception) -> HuskyError:
    reason = _first_line(error)
    return HuskyError(f"backbone.engine: OpenVINO cannot be used: {reason}. Set it to auto or tensorflow.")


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)[:200].rstrip(".")


def _sees_gpu() -> bool:
    # TensorFlow is asked only where there is a driver, since importing it takes seconds.
    if not any(driver.exists() for driver in _DRIVERS):
        return False
    import tensorflow

    return bool(tensorflow.config.list_physical_devices("GPU"))


def _announce(text: str) -> None:
    print(f"backbone: {text}", file=sys.stderr, flush=True)
