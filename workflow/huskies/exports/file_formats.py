"""All formats of an exported classifier: which there are, what makes each, and why one may be left out."""

import contextlib
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from huskies.backbone import architectures, tensorflow_setup
from huskies.exports import (
    description,
    head_weights,
    keras_formats,
    keras_model,
    litert_file,
    network_formats,
    onnx_network,
    openvino_file,
    saved_model,
)
from huskies.exports.head_weights import HeadWeights
from huskies.model.folder import Model

FILES = {
    "keras": "model.keras",
    "saved_model": "saved_model",
    "onnx": "model.onnx",
    "litert": "model.tflite",
    "litert_int8": "model_int8.tflite",
    "openvino": "model.xml",
}
NOT_OF_KERAS = "its backbone is a network in a file, which Keras does not read"


@dataclass(frozen=True)
class Written:
    """What was written: the description that each file carries, and of each format that is left out, the reason."""

    description: dict[str, Any]
    left_out: dict[str, str]


def write(
    model: Model, directions: np.ndarray, calibration: Callable[[int], list[np.ndarray]], folder: Path
) -> Written:
    """Write every format of a classifier that its backbone can have into a folder.

    directions: float16 N × D, of the photos that were trained on. calibration: returns, for a side, what int8 is
    calibrated on: pixels of training photos, float32, 1 × side × side × 3 each.
    """
    head = head_weights.of(model, directions)
    if architectures.is_network(model.backbone["weights"]):
        return _of_network(model, head, folder)
    tensorflow_setup.load_tensorflow()
    with silent():
        assembled = keras_model.assemble(model, head)
        described = description.of(model, assembled.input_shape[1])
        return Written(described, of_keras(assembled, described, calibration(assembled.input_shape[1]), folder))


def _of_network(model: Model, head: HeadWeights, folder: Path) -> Written:
    assembled = network_formats.assemble(model, head)
    described = description.of(model, assembled.input(0).shape[1])
    openvino_file.save(assembled, described, folder / FILES["openvino"])
    tensorflow_setup.load_tensorflow()
    makers = {"onnx": lambda path: onnx_network.save(model, head, described, path)}
    with silent():
        left_out = _make(makers, folder)
    others = {kind: NOT_OF_KERAS for kind in FILES if kind not in ("onnx", "openvino")}
    return Written(described, {**left_out, **others})


def of_keras(model: Any, described: dict[str, Any], calibration: list[np.ndarray], folder: Path) -> dict[str, str]:
    """Write all formats of a Keras model into a folder; return the reasons of those that cannot be had, by format.

    The bytes are the same in every process that has made no other model before. The rest is as for `write`.
    """
    saved = folder / FILES["saved_model"]
    saved_model.save(model, described, saved)
    makers = {
        "keras": lambda path: keras_formats.to_keras(model, described, path),
        "onnx": lambda path: keras_formats.to_onnx(model, described, path),
        "litert": lambda path: litert_file.save(saved, described, path),
        "litert_int8": lambda path: litert_file.save(saved, described, path, calibration),
        "openvino": lambda path: openvino_file.convert(saved, described, path),
    }
    return _make(makers, folder)


def _make(makers: dict[str, Callable[[Path], None]], folder: Path) -> dict[str, str]:
    """Write a file of each format; return the reasons of those that cannot be had, by format."""
    left_out = {}
    for kind, make in makers.items():
        path = folder / FILES[kind]
        try:
            make(path)
        except (OSError, MemoryError):
            raise
        # Converters fail in the ways of their libraries, where an operation is not among those of the format.
        except Exception as error:
            path.unlink(missing_ok=True)
            left_out[kind] = str(error).strip().partition("\n")[0][:200] or type(error).__name__
    return left_out


@contextlib.contextmanager
def silent() -> Iterator[None]:
    """Hold back what converters say of their own parts, on standard error and as warnings."""
    with warnings.catch_warnings(), tensorflow_setup.silenced():
        warnings.simplefilter("ignore")
        yield
