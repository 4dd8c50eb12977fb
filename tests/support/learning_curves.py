"""Learning curves made by hand, and what budget.json has of them."""

from typing import Any

import numpy as np
from huskies.statistics import more_photos
from huskies.statistics.learning_curve import Curve

PHOTOS = np.array([4.0, 8.0, 12.0, 16.0])


def curve(accuracies: tuple[float, ...], images: int = 400, now: float = 20.0, together: int = 1) -> Curve:
    """Return a curve of two repeats with these accuracies; a photo that is known once is known from then on."""
    hard = np.random.default_rng(1).permutation(images // together).repeat(together) / (images // together)
    right = np.stack([np.stack([hard < accuracy] * 2) for accuracy in accuracies])
    return Curve(right, PHOTOS, np.arange(images) // together, now)


SHARES = (0.25, 0.5, 0.75, 1.0)
LABELS = np.repeat(["bee", "fly", "wasp", "ant"], 100)


def numbers(
    *accuracies: tuple[float, ...], copies: dict[str, Any] | None = None, leaks: int = 0, **changed: Any
) -> dict[str, Any]:
    heads = ("baseline", "augmented")
    curves = {head: curve(each, **changed) for head, each in zip(heads, accuracies, strict=False)}
    return more_photos.summarise(curves, SHARES, LABELS, copies, leaks)


RISING, FLAT = (0.6, 0.75, 0.82, 0.86), (0.8, 0.8, 0.8, 0.8)
