"""Sums over rows by class, from which means and covariances follow; those of two sets of rows add up and subtract."""

from dataclasses import dataclass

import numpy as np

from huskies.backbone import tensorflow_setup
from huskies.backbone.features import Rows, chunks


@dataclass(frozen=True)
class Scatter:
    """counts: int, of the rows of each class. sums: float64, classes × D. squares: float64, D × D, over all rows."""

    counts: np.ndarray
    sums: np.ndarray
    squares: np.ndarray

    def __add__(self, other: "Scatter") -> "Scatter":
        return Scatter(self.counts + other.counts, self.sums + other.sums, self.squares + other.squares)

    def __sub__(self, other: "Scatter") -> "Scatter":
        return Scatter(self.counts - other.counts, self.sums - other.sums, self.squares - other.squares)

    def means(self) -> np.ndarray:
        """Return the mean of each class, float64, classes × D."""
        return self.sums / self.counts[:, None]

    def within(self) -> np.ndarray:
        """Return the covariance of the rows about the means of their classes, float64, D × D."""
        matmul = tensorflow_setup.load_tensorflow().matmul
        return (self.squares - matmul(self.sums, self.means(), transpose_a=True).numpy()) / self.counts.sum()

    def variances(self) -> np.ndarray:
        """Return the variance of each feature over all rows, float64, D."""
        rows = self.counts.sum()
        return np.diag(self.squares) / rows - (self.sums.sum(axis=0) / rows) ** 2


def of(features: Rows | np.ndarray, labels: np.ndarray, classes: int) -> Scatter:
    """Return the scatter of rows: float32 N × D, and int labels N.

    TensorFlow computes, one thread an operation, so that the bits do not depend on the cores.
    """
    tensorflow = tensorflow_setup.load_tensorflow()
    width = features.shape[1]
    sums, squares, start = np.zeros((classes, width)), np.zeros((width, width)), 0
    for chunk in chunks(features):
        rows = chunk.astype(np.float64)
        np.add.at(sums, labels[start : start + len(chunk)], rows)
        squares += tensorflow.matmul(rows, rows, transpose_a=True).numpy()
        start += len(chunk)
    return Scatter(np.bincount(labels, minlength=classes), sums, squares)
