"""Random augmentation policies, as somebody might try them one after the other: a few transforms, drawn strengths."""

from collections.abc import Callable
from typing import Any

import numpy as np

# albumentations transforms that leave a photo of a flower one of that flower: what the strength, 0 to 1, makes of each.
_TRANSFORMS: dict[str, Callable[[float], dict[str, Any]]] = {
    "HorizontalFlip": lambda strength: {},
    "VerticalFlip": lambda strength: {},
    "Affine": lambda strength: {
        "rotate": [-round(45 * strength, 1), round(45 * strength, 1)],
        "scale": [round(1 - 0.3 * strength, 3), round(1 + 0.3 * strength, 3)],
        "border_mode": 4,
    },
    "RandomBrightnessContrast": lambda strength: {
        "brightness_limit": round(0.4 * strength, 3),
        "contrast_limit": round(0.4 * strength, 3),
    },
    "HueSaturationValue": lambda strength: {
        "hue_shift_limit": round(20 * strength, 1),
        "sat_shift_limit": round(60 * strength, 1),
        "val_shift_limit": round(40 * strength, 1),
    },
    "GaussianBlur": lambda strength: {"sigma_limit": [0.1, round(0.1 + 2 * strength, 2)]},
    "GaussNoise": lambda strength: {"std_range": [0.0, round(0.2 * strength, 3)]},
    "CoarseDropout": lambda strength: {
        "hole_height_range": [0.05, round(0.05 + 0.35 * strength, 3)],
        "hole_width_range": [0.05, round(0.05 + 0.35 * strength, 3)],
    },
}
_MOST = 4
_CHANCES = (0.3, 0.5, 0.8, 1.0)


def draw(number: int) -> list[dict[str, Any]]:
    """Return policy `number`, in the form of aug.policy: one to four different transforms, each with its chance.

    The same number is the same policy, so that ten policies are the first ten of twenty.
    """
    random = np.random.default_rng(number)
    names = random.choice(list(_TRANSFORMS), int(random.integers(1, _MOST + 1)), replace=False)
    return [
        {"transform": str(name), **_TRANSFORMS[name](float(random.random())), "p": float(random.choice(_CHANCES))}
        for name in names
    ]
