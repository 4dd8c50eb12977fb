"""A preset of KerasHub as a network in a file: a folder with its configuration and weights, as KerasHub saves them.

KerasHub (https://keras.io/keras_hub) is an extra, since few need it. It builds the network, and OpenVINO computes it.
"""

import json
from pathlib import Path
from typing import Any

from huskies import imports
from huskies.backbone import openvino_setup, tensorflow_setup
from huskies.errors import HuskyError

# Another version may build another network. pyproject.toml has the same one, by a test.
KERAS_HUB = "0.32.0"
# What backbone.name begins with, and the file by which a folder is known to be a preset.
PREFIX, CONFIGURATION = "keras_hub:", "config.json"
_CONVERTER = "image_converter.json"
# What an output is called, by the number of its axes, where KerasHub gives it no name: as in presets.yaml.
_NAMES = {2: "pooler_output", 3: "last_hidden_state", 4: "map"}


def is_preset(folder: Path) -> bool:
    """Return whether a folder holds a preset."""
    return (folder / CONFIGURATION).is_file()


def missing(name: str) -> HuskyError:
    """Return what is wrong where backbone.name is a preset whose folder backbone.weights does not name."""
    preset = name.removeprefix(PREFIX)
    return HuskyError(
        f"params.yaml: backbone.name: {name} needs the files of that preset of KerasHub. Get them (docs/backbones.md), "
        f"put them into backbones/{preset}, and set backbone.weights to {preset}."
    )


def preprocessing(folder: Path) -> dict[str, Any]:
    """Return how a preset wants its pixels, as backbone.preprocessing says it; nothing where it does not say so.

    KerasHub multiplies and then adds, by channel. Raises HuskyError for a file that cannot be read.
    """
    path = folder / _CONVERTER
    if not path.is_file():
        return {}
    found = _read(path).get("config", {})
    scale, offset = _by_channel(found.get("scale"), 1.0), _by_channel(found.get("offset"), 0.0)
    side = (found.get("image_size") or [None])[0]
    resize = "pad" if found.get("pad_to_aspect_ratio") else "crop" if found.get("crop_to_aspect_ratio") else "squash"
    return {
        "side": side,
        "resize": resize,
        "interpolation": found.get("interpolation") or "bilinear",
        "scale": 1.0,
        "mean": [-each / factor for each, factor in zip(offset, scale, strict=True)],
        "std": [1 / factor for factor in scale],
    }


def read(folder: Path) -> Any:
    """Return the network of a preset as an OpenVINO model of images, B × side × side × 3, with its outputs named.

    Raises HuskyError where KerasHub is missing or of another version, and for a preset that it cannot read.
    """
    described = _read(folder / CONFIGURATION)
    if not str(described.get("registered_name", "")).startswith("keras_hub>"):
        raise HuskyError(f"backbone.weights: {folder / CONFIGURATION} is of no network of KerasHub. Get it again.")
    imports.check_extra(f"backbone.weights: {folder}", "keras-hub", KERAS_HUB, "keras_hub")
    tensorflow = tensorflow_setup.load_tensorflow()
    import keras_hub

    try:
        network = keras_hub.models.Backbone.from_preset(str(folder))
        images = network.input["images"] if isinstance(network.input, dict) else network.input
    # KerasHub and Keras raise many kinds of error for files that do not fit.
    except Exception as error:
        raise HuskyError(
            f"backbone.weights: {folder} cannot be read by KerasHub: {openvino_setup.reason(error)}. Get it again."
        ) from None

    def outputs(pixels):
        given = {"images": pixels} if isinstance(network.input, dict) else pixels
        found = network(given, training=False)
        if isinstance(found, dict):
            return found
        return {_NAMES.get(len(found.shape), "output"): found}

    signature = tensorflow.TensorSpec(images.shape, "float32", name="images")
    traced = tensorflow.function(outputs, input_signature=[signature]).get_concrete_function()
    model = openvino_setup.load_openvino().convert_model(traced)
    for output, name in zip(model.outputs, sorted(traced.structured_outputs), strict=True):
        output.get_tensor().set_names({name})
    return model


def _by_channel(given: Any, nothing: float) -> list[float]:
    if given is None:
        return [nothing] * 3
    return [float(each) for each in given] if isinstance(given, list) else [float(given)] * 3


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise HuskyError(f"backbone.weights: {path} cannot be read: {error}. Get it again.") from None
    if not isinstance(found, dict):
        raise HuskyError(f"backbone.weights: {path} holds no configuration. Get it again.")
    return found
