"""95 % intervals for accuracies, for the gain between two heads on the same images, and for means over splits."""

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


def resampled_mean(values: np.ndarray, held_out: float) -> tuple[float, float, float] | None:
    """Return (low, high, two-sided p-value against 0) for the mean of one value a split, or None.

    values: float, one for each of J random splits of the same images. held_out: validation images for each
    training image. Splits overlap, so their values vary less than independent ones would: the variance of the mean
    is taken as (1/J + held_out) times that of the values, with J - 1 degrees of freedom (Nadeau and Bengio 2003,
    Machine Learning 52: 239-281). One value, or values that are all equal, say nothing of the spread.
    """
    # Equal gains are differences of floats, which come out equal only nearly.
    if len(values) < 2 or np.ptp(values) < 1e-9:
        return None
    error = float(values.std(ddof=1)) * (1 / len(values) + held_out) ** 0.5
    spread = stats.t(len(values) - 1, loc=values.mean(), scale=error)
    low, high = spread.interval(LEVEL)
    return float(low), float(high), float(2 * min(spread.cdf(0), spread.sf(0)))
