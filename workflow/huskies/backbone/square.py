"""The square that a backbone is given of a photo: squashed, cut out of its middle, or the whole of it with bars."""

from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

from huskies.backbone.preprocessing import DEFAULTS
from huskies.images import codec

_KERNELS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


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
