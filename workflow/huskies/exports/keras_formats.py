"""A Keras model of the whole classifier in each format that its users' runtimes read, the same bytes every time."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from huskies.backbone import openvino_setup
from huskies.exports import openvino_file
from huskies.exports.description import NAME, text
from huskies.exports.onnx_file import settle
from huskies.training import head


def to_keras(model: Any, description: dict[str, Any], path: Path) -> None:
    """Write Keras' own format; the description is one file more in its zip, which Keras does not look at."""
    head.save(model, path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(zipfile.ZipInfo(NAME), text(description))


def to_onnx(model: Any, description: dict[str, Any], path: Path) -> None:
    """Write an ONNX file, which takes any number of photos at once; the description is in its metadata."""
    model.export(path, format="onnx", verbose=False)
    settle(path, description)


def to_openvino(model: Any, description: dict[str, Any], path: Path) -> None:
    """Write OpenVINO's format: the .xml at `path` and a .bin beside it; the description is in its runtime info."""
    model.export(str(path), format="openvino", verbose=False)
    # Read into memory, since the files are to be replaced.
    weights = openvino_setup.load_openvino().Tensor(np.fromfile(path.with_suffix(".bin"), np.uint8))
    written = openvino_setup.core().read_model(path.read_text(encoding="utf-8"), weights)
    openvino_file.save(written, description, path)
