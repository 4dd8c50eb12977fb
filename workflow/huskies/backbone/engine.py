"""Which engine computes bottlenecks and in what precision, where params.yaml leaves it to the machine.

`auto` is TensorFlow where it sees a GPU, else OpenVINO: in bfloat16 where the processor has the instructions and the
features stay those of float32, else in float32. Whatever else it comes to is said in a line. int8 is for whoever asks.
It is settled once for a machine and a backbone, and remembered; of several machines, by the one with the command. An
engine that is there and fails stops the run: to take another for one stage would mix the features of two.
"""

import contextlib
import importlib.util
import json
import platform
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from huskies import atomic, cache_file
from huskies.backbone import architectures, common_engine, int8, openvino_engine
from huskies.errors import HuskyError
from huskies.images import codec

# The least cosine to the features of TensorFlow in float32 with which `auto` takes OpenVINO in each precision.
FAITHFUL = {"bfloat16": 0.999, "float32": 0.9999}
# One of these is there where a driver for NVIDIA's GPUs is, on Linux and in WSL.
_DRIVERS = (Path("/dev/nvidiactl"), Path("/dev/dxg"))
_FOLDER = "settled"
_ON_TENSORFLOW = {"engine": "tensorflow", "precision": "float32"}
_ON_OPENVINO = {precision: {"engine": "openvino", "precision": precision} for precision in FAITHFUL}


def settle(parameters: dict[str, Any], trace: Callable, split: Path | None = None) -> dict[str, Any]:
    """Return the section `backbone` of params.yaml with the engine and the precision that this machine will use.

    trace: makes the TensorFlow function of the backbone for a size of batch, as backbone.trace does; called where the
    backbone is not yet converted. split: the folder data/split, whose training images calibrate int8; a key
    `calibration` then says which they are. Raises HuskyError for an engine or a precision by name that cannot be had,
    and for one that the command has settled for all machines of a run.
    """
    told = common_engine.heard(parameters)
    parameters = {**parameters, **told}
    engine, precision = parameters["engine"], parameters["precision"]
    if architectures.is_network(parameters["weights"]):
        # Nothing else reads its file, so OpenVINO in float32 is what it is faithful to.
        engine = "openvino"
        parameters = {**parameters, "engine": engine}
    if precision == "int8":
        return {**parameters, "engine": "openvino", "calibration": int8.calibration(split)}
    if engine == "tensorflow" or (engine == "auto" and precision != "bfloat16" and _sees_gpu()):
        # A GPU adds up in another order.
        return {**parameters, **_ON_TENSORFLOW, **({"device": "GPU"} if _sees_gpu() else {})}
    if engine == "auto" and precision != "bfloat16" and not _has_openvino():
        _announce("OpenVINO is not installed, and TensorFlow is used")
        return {**parameters, **_ON_TENSORFLOW}
    named = precision == "bfloat16" or (engine == "openvino" and precision != "auto")
    with reported(parameters):
        return {**parameters, **(_named(precision, bool(told)) if named else _remembered(parameters, trace))}


def _named(precision: str, told: bool) -> dict[str, str]:
    """Return the precision by name, in OpenVINO; told: it is the command's choice, made on another machine."""
    if precision not in openvino_engine.precisions():
        if told:
            raise HuskyError(
                f"backbone.precision: the run computes in {precision}, which the processor of {platform.node()} does "
                "not have. Set it to float32, or let jobs run on processors of one kind (docs/cluster.md)."
            )
        raise HuskyError(f"backbone.precision: this processor has no {precision}. Set it to auto or float32.")
    return {"engine": "openvino", "precision": precision}


def _remembered(parameters: dict[str, Any], trace: Callable) -> dict[str, str]:
    """Return what `_measured` finds, from the memory of this machine where it was asked before."""
    asked = {key: parameters[key] for key in ("engine", "precision")}
    described = [openvino_engine.processor(), openvino_engine.key(parameters), asked]
    name = codec.sha256(json.dumps(described, sort_keys=True).encode())
    path = cache_file.cache_folder() / _FOLDER / f"{name}.json"
    found = _read(path)
    if found is None:
        found = _measured(parameters, trace)
        # What cannot be kept (a full disk, a read-only one) is measured again next time, and comes out the same.
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            atomic.write(path, json.dumps(found).encode())
    for line in found["said"]:
        _announce(line)
    return found["settled"]


def _read(path: Path) -> dict[str, Any] | None:
    """Return what is remembered, None where nothing sound is."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        found = json.loads(path.read_text())
        if found["settled"] in (_ON_TENSORFLOW, *_ON_OPENVINO.values()) and isinstance(found["said"], list):
            return found
    return None


def _measured(parameters: dict[str, Any], trace: Callable) -> dict[str, Any]:
    """Return `settled`, the first engine and precision that are faithful, and `said`, a line on each that is not."""
    asked, said = parameters["precision"], []
    for precision in openvino_engine.precisions() if asked == "auto" else [asked]:
        # Whoever asks for OpenVINO gets it in float32 at the least.
        if parameters["engine"] == "openvino" and precision == "float32":
            return {"settled": _ON_OPENVINO[precision], "said": said}
        cosine, least = openvino_engine.fidelity(parameters, precision, trace), FAITHFUL[precision]
        if cosine >= least:
            return {"settled": _ON_OPENVINO[precision], "said": said}
        said.append(f"OpenVINO in {precision} is not used: it changes features (cosine {cosine:.5f}, at least {least})")
    return {"settled": _ON_TENSORFLOW, "said": said}


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
    with reported(parameters):
        return openvino_engine.load(parameters, cores, trace, split)


@contextlib.contextmanager
def reported(parameters: dict[str, Any]) -> Iterator[None]:
    """Turn what OpenVINO and NNCF raise into a message: many kinds of error, for what they cannot convert or run."""
    try:
        yield
    except HuskyError:
        raise
    except Exception as error:
        otherwise = "set backbone.engine to tensorflow and backbone.precision to auto in params.yaml"
        if architectures.is_network(parameters["weights"]):
            otherwise = f"set backbone.precision to float32, or choose another network than {parameters['weights']}"
        raise HuskyError(
            f"backbone.engine: OpenVINO failed: {_first_line(error)}. Run the same command again; if it fails again, "
            f"{otherwise}."
        ) from error


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)[:200].rstrip(".")


def _has_openvino() -> bool:
    return importlib.util.find_spec("openvino") is not None


def _sees_gpu() -> bool:
    # TensorFlow is asked only where there is a driver, since importing it takes seconds.
    if not any(driver.exists() for driver in _DRIVERS):
        return False
    import tensorflow

    return bool(tensorflow.config.list_physical_devices("GPU"))


def _announce(text: str) -> None:
    print(f"backbone: {text}", file=sys.stderr, flush=True)
