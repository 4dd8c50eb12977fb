"""95 % intervals for accuracies and for the gain between two heads on the same images."""

import numpy as np
from scipy import stats

LEVEL = 0.95


def wilson(right: int, images: int) -> tuple[float, float]:
    """Return the Wilson score interval of an accuracy (Wilson 1927): `right` of `images` are right."""
    interval = stats.binomtest(right, images).proportion_ci(LEVEL, method="wilson")
    return float(interval.low), float(interval.high)


def paired_gain(before: np.ndarray, after: np.ndarray) -> tuple[float, float, float]:
    """Return (gain in accuracy, low, high) for two heads on the same images.

    before, after: bool, one for each image, in the same order: whether the head was right. The interval is
    Newcombe's (1998, Statistics in Medicine 17: 2635-2650, method 10) for the difference of two paired
    proportions, from their Wilson intervals and their correlation; it stays inside [-1, 1] and is of use
    also where the two disagree on no image.
    """
    images = len(before)
    both, neither = int((before & after).sum()), int((~before & ~after).sum())
    lost, won = int((before & ~after).sum()), int((~before & after).sum())
    first, second = before.mean(), after.mean()
    low_first, high_first = wilson(int(before.sum()), images)
    low_second, high_second = wilson(int(after.sum()), images)
    margins = (both + lost) * (won + neither) * (both + won) * (lost + neither)
    product = both * neither - won * lost
    # Newcombe's correction for continuity, which applies where the heads agree more than chance.
    corrected = max(product - images / 2, 0.0) if product > 0 else float(product)
    correlation = corrected / margins**0.5 if margins else 0.0

    def distance(one: float, other: float) -> float:
        return max(one**2 - 2 * correlation * one * other + other**2, 0.0) ** 0.5

    gain = float(second - first)
    low = gain - distance(second - low_second, high_first - first)
    high = gain + distance(first - low_first, high_second - second)
    return gain, float(low), float(high)
