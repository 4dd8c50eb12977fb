"""OpenVINO's own format of an exported classifier."""

from pathlib import Path
from typing import Any

from huskies.backbone import openvino_setup
from huskies.exports.description import text


def convert(saved: Path, description: dict[str, Any], path: Path) -> None:
    """Write a SavedModel, a folder of saved_model.save, in OpenVINO's format, as `save` does."""
    save(openvino_setup.load_openvino().convert_model(saved), description, path)


def save(model: Any, description: dict[str, Any], path: Path) -> None:
    """Write an OpenVINO model to `path`, an .xml, and a .bin beside it, in float32; the description is part of it."""
    model.set_rt_info(text(description), "two_huskies")
    openvino_setup.load_openvino().save_model(model, path, compress_to_fp16=False)
