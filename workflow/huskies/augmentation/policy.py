"""The augmentation policy: the only module that knows albumentations (2.0.8, its last release under MIT).

https://albumentations.ai/docs/ describes every transform and its arguments.
"""

import inspect
import os
import re
import warnings
from collections.abc import Callable
from typing import Any

# albumentations asks the network for a newer version on import otherwise.
os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"

import albumentations
import cv2
import numpy as np

from huskies.errors import HuskyError, nearest

# Parallelism is by image; library threads on top of it would only get in each other's way.
cv2.setNumThreads(0)

# Not for a lone RGB image and plain values: they want masks, boxes, other images, a grey image, or functions.
_NOT_FOR_US = frozenset({
    "BBoxSafeRandomCrop", "ConstrainedCoarseDropout", "CropNonEmptyMaskIfExists", "FDA", "HistogramMatching",
    "Lambda", "MaskDropout", "Mosaic", "OverlayElements", "PixelDistributionAdaptation", "RandomCropNearBBox",
    "RandomSizedBBoxSafeCrop", "TextImage", "ToRGB",
})  # fmt: skip
# Arguments that are a pair of numbers and no range to draw from.
_SIZES = frozenset({"grid", "num_grid_xy", "shift_xy", "size", "tile_grid_size"})


def transforms() -> dict[str, type]:
    """Return every transform that gives an image for an image, by the name that params.yaml uses."""
    kinds = (albumentations.ImageOnlyTransform, albumentations.DualTransform)
    return {
        name: kind
        for name, kind in vars(albumentations).items()
        if inspect.isclass(kind) and issubclass(kind, kinds) and "Base" not in name and not inspect.isabstract(kind)
        if kind not in kinds and not issubclass(kind, albumentations.Transform3D) and name not in _NOT_FOR_US
    }


def build(policy: list[dict[str, Any]]) -> Callable[[np.ndarray, int], np.ndarray]:
    """Return a function (image, seed) → image for a policy: {"transform": name, argument: value, …} in order.

    The image is RGB, uint8, H × W × 3; the result likewise, of any size. The same image and seed give the same
    pixels, whatever was augmented before. Raises HuskyError for an unknown transform or argument, naming the
    nearest known one, and for a value that the transform does not take.
    """
    steps = [_step(f"aug.policy.{index}", dict(entry)) for index, entry in enumerate(policy)]
    composed = albumentations.Compose(steps)

    def augment(image: np.ndarray, seed: int) -> np.ndarray:
        # albumentations would give every transform the same numbers, so that all of one p were applied together or not.
        for number, step in enumerate(steps):
            step.set_random_seed(seed + number)
        try:
            result = composed(image=image)["image"]
        # Transforms raise nearly anything on an image that is too small for them.
        except Exception as error:
            height, width = image.shape[:2]
            raise HuskyError(
                f"aug.policy does not work on an image of {width} × {height} pixels: {error}. Change it in params.yaml."
            ) from None
        if result.dtype != np.uint8 or result.ndim != 3 or result.shape[2] != 3:
            raise HuskyError(
                f"aug.policy gives {result.dtype} pixels of shape {result.shape}, which no JPEG can hold. "
                "Remove transforms such as Normalize or ToFloat: the backbone does its own preprocessing."
            )
        return result

    return augment


def _step(where: str, entry: dict[str, Any]) -> albumentations.BasicTransform:
    name = entry.pop("transform")
    known = transforms()
    if name not in known:
        raise HuskyError(f"{where}: there is no transform '{name}'.{nearest(name, known)}")
    arguments = [each for each in inspect.signature(known[name].__init__).parameters if each != "self"]
    for argument in entry:
        if argument not in arguments:
            raise HuskyError(f"{where}: {name} has no argument '{argument}'.{nearest(argument, arguments)}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return known[name](**entry)
    except (ValueError, TypeError, UserWarning) as error:
        # pydantic's message: the argument and what is wrong with it, without its links and types.
        lines = [line for line in str(error).splitlines() if "errors.pydantic.dev" not in line]
        reason = "; ".join(re.sub(r" \[type=.*", "", line).strip() for line in lines)
        raise HuskyError(f"{where}: {name} does not take these values: {reason}") from None


def extremes(entry: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return (caption, entry) for both ends of each range that a transform of a policy draws an argument from.

    The other ranges are held at their middle, and p is 1. Ranges are known by what albumentations makes of an
    argument, given or left out: a pair of numbers, the same for each axis, that can be set to one value. What it
    holds in another form is left out, so that a transform may have none.
    """
    entry = {**entry, "p": 1.0}
    step = _step("aug.policy", dict(entry))
    ranges = {argument: pair for argument in step.get_transform_init_args_names() if (pair := _range(step, argument))}
    found = []
    for argument, ends in ranges.items():
        others = entry
        for other, (low, high) in ranges.items():
            middle = (low + high) // 2 if isinstance(low, int) else (low + high) / 2
            others = others if other == argument else _fixed(others, other, middle) or others
        for end in ends:
            if fixed := _fixed(others, argument, end):
                found.append((f"{argument} {end:g}", fixed))
    return found


def _pairs(step: albumentations.BasicTransform, argument: str) -> list[Any]:
    """Return the values of an argument: one, or in dictionaries one for each axis."""
    value = getattr(step, argument, None)
    return list(value.values()) if isinstance(value, dict) else [value]


def _range(step: albumentations.BasicTransform, argument: str) -> tuple[float, float] | None:
    first, *others = _pairs(step, argument)
    if argument in _SIZES or any(other != first for other in others):
        return None
    if not isinstance(first, tuple) or len(first) != 2 or not all(isinstance(end, int | float) for end in first):
        return None
    return first if first[0] < first[1] else None


def _fixed(entry: dict[str, Any], argument: str, value: float) -> dict[str, Any] | None:
    """Return the entry with an argument set to one value, or None where the transform takes it for something else."""
    fixed = {**entry, argument: [value, value]}
    try:
        step = _step("aug.policy", dict(fixed))
    except HuskyError:
        return None
    return fixed if all(pair == (value, value) for pair in _pairs(step, argument)) else None
