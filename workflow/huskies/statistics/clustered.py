"""Intervals of accuracies and gains over images that were asked in folds, and whose groups go together."""

import math

import numpy as np
from scipy import stats

from huskies.statistics import intervals

# An image won and an image lost, of this weight each, are added to those that were asked (Agresti and Min 2005,
# Statistics in Medicine 24: 729-740): where two heads hardly ever differ, their spread is not what was seen by luck.
# Measured in docs/cross_validation.md.
_ADDED = 0.5


def gain(before: np.ndarray, after: np.ndarray, groups: np.ndarray) -> tuple[float, float, float]:
    """Return (gain in accuracy, low, high) of cross-validation.

    before, after: bool, repeats × images, whether each head was right about an image. groups: int, of each image.
    An image's gain is its mean over the repeats, and the interval is that of the mean over images whose groups are
    drawn together (Bayle et al. 2020, NeurIPS 33, for cross-validation; Liang and Zeger 1986, Biometrika 73: 13-22, for
    groups), by Student's t. docs/cross_validation.md counts how often such intervals hold the truth.
    """
    gains = (after.astype(float) - before).mean(axis=0)
    centre, error, freedom = _clustered(gains, groups, _ADDED)
    reach = error * stats.t.ppf((1 + intervals.LEVEL) / 2, freedom)
    return float(gains.mean()), max(centre - reach, -1.0), min(centre + reach, 1.0)


def accuracy(right: np.ndarray, groups: np.ndarray) -> tuple[float, float, float]:
    """Return (accuracy, low, high) of cross-validation; right: bool, repeats × images; groups: as for `gain`.

    Wilson's interval for as many images as would, one by one, give the accuracy the error that it has with these groups
    (Korn and Graubard 1998, Survey Methodology 24: 193-201).
    """
    return _share(right.mean(axis=0), groups)


def balanced_accuracy(right: np.ndarray, groups: np.ndarray, labels: np.ndarray) -> tuple[float, float, float]:
    """Return (mean of the classes' accuracies, low, high), as `accuracy`; labels: int, of each image."""
    weights = len(labels) / (np.bincount(labels)[labels] * len(np.unique(labels)))
    return _share(right.mean(axis=0) * weights, groups, weights)


def _share(values: np.ndarray, groups: np.ndarray, weights: np.ndarray | None = None) -> tuple[float, float, float]:
    """Return (mean, low, high) of values between 0 and 1, or of such values times their weights, of mean 1."""
    mean, error, freedom = _clustered(values, groups, 0.0, weights)
    independent = mean * (1 - mean) / error**2 if error > 0 else freedom + 1
    return mean, *wilson(mean, min(independent, len(groups)))


def wilson(fraction: float, images: float) -> tuple[float, float]:
    """Return the Wilson score interval (Wilson 1927) of a fraction of any number of images, whole or not."""
    z = stats.norm.ppf((1 + intervals.LEVEL) / 2)
    centre = (fraction + z**2 / (2 * images)) / (1 + z**2 / images)
    reach = z / (1 + z**2 / images) * math.sqrt(fraction * (1 - fraction) / images + (z / (2 * images)) ** 2)
    return max(centre - reach, 0.0), min(centre + reach, 1.0)


def _clustered(
    values: np.ndarray, groups: np.ndarray, added: float, weights: np.ndarray | None = None
) -> tuple[float, float, float]:
    """Return (mean of the values, its standard error, degrees of freedom) where values of a group go together.

    added: the weight of two further values, 1 and -1, each in a group of its own. weights: what a value is multiplied
    by, if it is; a value then varies about its weight's share of the mean.
    """
    size, members = len(values) + 2 * added, np.unique(groups, return_inverse=True)[1]
    mean = float(values.sum() / size)
    expected = mean if weights is None else mean * weights
    apart = np.bincount(members, values - expected)
    count = len(apart)
    squares = (apart**2).sum() + 2 * added * (1 + mean**2)
    correction = count / (count - 1) if count > 1 else 1.0
    return mean, float(np.sqrt(squares * correction) / size), max(count - 1, 1)
