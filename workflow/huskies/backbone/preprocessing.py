"""How a photo becomes the input of a backbone: the square that is cut or squashed from it, and the scale of its pixels.

A network of keras.applications brings its own arithmetic, and may be given another square. A network in a file brings
nothing, so `backbone.preprocessing` says all of it.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

from huskies.backbone import architectures
from huskies.errors import HuskyError
from huskies.images import codec

# What a network in a file gets where neither params.yaml nor its preset says otherwise. `scale` has no such value:
# pixels of 0 to 255 where a network wants 0 to 1 make features that are finite and worthless.
DEFAULTS = {
    "side": None,
    "resize": "squash",
    "shorter_side": None,
    "interpolation": "bicubic",
    "channels": "rgb",
    "layout": None,
    "mean": [0.0, 0.0, 0.0],
    "std": [1.0, 1.0, 1.0],
}
# What a network of keras.applications may be given.
OF_THE_SQUARE = ("resize", "shorter_side", "interpolation")
_KERNELS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


def pixels_seen(backbone: dict[str, Any]) -> int | None:
    """Return how many pixels a side the backbone makes use of; None where only its file says so.

    backbone: the section of params.yaml.
    """
    chosen = backbone.get("preprocessing") or {}
    if chosen.get("resize") == "crop" and chosen.get("shorter_side"):
        return chosen["shorter_side"]
    own = None if architectures.is_network(backbone["weights"]) else architectures.own_side(backbone["name"])
    return chosen.get("side") or backbone["input_size"] or own


def fit(backbone: dict[str, Any]) -> Callable[[np.ndarray, int], np.ndarray]:
    """Return a function from (RGB image, uint8, H × W × 3; side) to side × side × 3, uint8.

    backbone: the section of params.yaml. `squash` changes the aspect, as retrain.py does; `crop` resizes the shorter
    side and cuts out the middle; `pad` resizes the longer side and puts the image in the middle of the colour that
    the network takes for zero, black where the architecture has arithmetic of its own.
    """
    chosen = DEFAULTS | (backbone.get("preprocessing") or {})
    kernel = _KERNELS[chosen["interpolation"]]
    if chosen["resize"] == "crop":
        return lambda pixels, side: _cropped(pixels, side, chosen["shorter_side"] or side, kernel)
    if chosen["resize"] == "pad":
        colour = _zero(chosen)
        return lambda pixels, side: _padded(pixels, side, colour, kernel)
    return lambda pixels, side: codec.resize(pixels, side, kernel)


def _resized(pixels: np.ndarray, height: int, width: int, kernel: Image.Resampling) -> np.ndarray:
    if pixels.shape[:2] == (height, width):
        return pixels
    return np.asarray(Image.fromarray(pixels).resize((width, height), kernel))


def _cropped(pixels: np.ndarray, side: int, shorter_side: int, kernel: Image.Resampling) -> np.ndarray:
    height, width = pixels.shape[:2]
    scale = shorter_side / min(height, width)
    resized = _resized(pixels, max(side, round(height * scale)), max(side, round(width * scale)), kernel)
    top, left = ((each - side) // 2 for each in resized.shape[:2])
    return resized[top : top + side, left : left + side]


def _padded(pixels: np.ndarray, side: int, colour: np.ndarray, kernel: Image.Resampling) -> np.ndarray:
    height, width = pixels.shape[:2]
    scale = side / max(height, width)
    resized = _resized(pixels, max(1, round(height * scale)), max(1, round(width * scale)), kernel)
    square = np.tile(colour, (side, side, 1))
    top, left = ((side - each) // 2 for each in resized.shape[:2])
    square[top : top + resized.shape[0], left : left + resized.shape[1]] = resized
    return square


def _zero(chosen: dict[str, Any]) -> np.ndarray:
    """Return the colour, uint8, RGB, that comes nearest to zero once it is scaled."""
    mean = np.array(chosen["mean"][::-1] if chosen["channels"] == "bgr" else chosen["mean"])
    return np.clip(np.rint(mean / chosen.get("scale", 1.0)), 0, 255).astype(np.uint8)


def resolved(backbone: dict[str, Any], preset: dict[str, Any]) -> dict[str, Any]:
    """Return the section `backbone` with all that a network in a file needs: its own, else its preset's, else DEFAULTS.

    preset: the preset of that name, or an empty dictionary. Raises HuskyError for what is missing, and for what
    belongs to a network of keras.applications.
    """
    weights = backbone["weights"]
    own = {key: value for key, value in (backbone.get("preprocessing") or {}).items() if value is not None}
    _check_side(weights, own.get("side"), backbone["input_size"])
    if backbone["input_size"]:
        own["side"] = backbone["input_size"]
    found = DEFAULTS | preset.get("preprocessing", {}) | own
    if "scale" not in found:
        raise HuskyError(
            f"backbone.preprocessing: nothing says how {weights} wants its pixels. Set scale (1.0 for 0 to 255, "
            "0.00392156862745098 for 0 to 1), mean and std in params.yaml, or set backbone.name to a preset of "
            "backbones/presets.yaml."
        )
    for key in ("mean", "std"):
        found[key] = [float(each) for each in found[key]]
    found["scale"] = float(found["scale"])
    return {
        **backbone,
        "preprocessing": found,
        "output": backbone.get("output") or preset.get("output"),
        "pooling": backbone.get("pooling") or preset.get("pooling"),
    }


def _check_side(weights: str, side: int | None, input_size: int | None) -> None:
    if side and input_size and side != input_size:
        raise HuskyError(
            f"backbone.input_size is {input_size}, and backbone.preprocessing.side is {side}, of {weights}. Set one of "
            "them in params.yaml, and leave the other empty."
        )
