"""Calibration: whether photos of which a head is 80 % sure are right 80 times in 100, and the one factor that helps."""

from typing import Any

import numpy as np
from scipy import optimize, special

BINS = 10
# The exponents between which the temperature is looked for: from 1/150 to 150.
_BOUNDS = (-5.0, 5.0)


def temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """Return what logits, float N × classes, are divided by so that their cross-entropy with int labels is least.

    Temperature scaling (Guo et al. 2017, arXiv:1706.04599): the answers stay, and only how sure they are changes.
    """

    def loss(exponent: float) -> float:
        return -special.log_softmax(logits * np.exp(-exponent), axis=1)[np.arange(len(labels)), labels].mean()

    return float(np.exp(optimize.minimize_scalar(loss, bounds=_BOUNDS, method="bounded").x))


def held_out(logits: np.ndarray, labels: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """Return the probabilities of each photo at the temperature that the other folds choose, float64 N × classes.

    So that the calibration is not measured on what it was fitted to. fold: int, of each photo.
    """
    found = np.empty(logits.shape)
    for each in np.unique(fold):
        own = fold == each
        chosen = temperature(logits[~own], labels[~own]) if (~own).any() else 1.0
        found[own] = special.softmax(logits[own] / chosen, axis=1)
    return found


def reliability(probabilities: np.ndarray, labels: np.ndarray) -> list[dict[str, Any]]:
    """Return the bins of a reliability diagram: the photos by how sure the answer is, in BINS parts of equal width.

    probabilities: float, N × classes; labels: int, N. A bin has the keys low, high, photos, sure (the mean probability
    of its answers) and right (the share of them that is right); the last two are None where it has no photos.
    """
    sure, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    number = np.minimum((sure * BINS).astype(int), BINS - 1)
    bins = []
    for each in range(BINS):
        inside = number == each
        means = (
            {key: round(float(values[inside].mean()), 6) for key, values in (("sure", sure), ("right", right))}
            if inside.any()
            else {"sure": None, "right": None}
        )
        bins.append({"low": each / BINS, "high": (each + 1) / BINS, "photos": int(inside.sum()), **means})
    return bins


def expected_error(bins: list[dict[str, Any]]) -> float:
    """Return the expected calibration error: how far sure and right are apart in a bin, in the mean over photos."""
    photos = sum(each["photos"] for each in bins)
    return sum(each["photos"] * abs(each["sure"] - each["right"]) for each in bins if each["photos"]) / photos
