"""A Keras model of the whole classifier in each format that its users' runtimes read, the same bytes every time."""

import zipfile
from pathlib import Path
from typing import Any

from huskies.exports.description import NAME, text
from huskies.exports.onnx_file import settle
from huskies.training import head


def to_keras(model: Any, description: dict[str, Any], path: Path) -> None:
    """Write Keras' own format; the description is one file more in its zip, which Keras does not look at."""
    head.save(model, path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(zipfile.ZipInfo(NAME), text(description))


def to_onnx(model: Any, description: dict[str, Any], path: Path, opset: int | None = None) -> None:
    """Write an ONNX file, which takes any number of photos at once; the description is in its metadata.

    opset: the version of ONNX's operators, from 11 to 18; None for the converter's own choice.
    """
    model.export(path, format="onnx", verbose=False, opset_version=opset)
    settle(path, description)
