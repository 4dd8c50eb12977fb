"""Linear discriminants of the same rows at any shrinkage, from their scatter or, where they are few, from themselves.

Fisher's discriminants (Hastie, Tibshirani and Friedman, The Elements of Statistical Learning, 4.3.3): the directions in
which the classes' means differ, once the features are whitened by their covariance within the classes. Fewer images
than features do not tell that covariance, so it is shrunk towards that of independent features of one variance, by
`shrinkage`, 0 to 1 (Friedman 1989, Journal of the American Statistical Association 84: 165-175). Before that, every
layer is brought to one variance, so that neither a wide one nor one of large numbers decides by itself. The
discriminants' variance is 1 on average, so that learning rate and penalties mean what they mean for standardised
features. Where nothing varies within a class, as with one image of each, only the means count.
"""

from collections.abc import Sequence

import numpy as np

from huskies.backbone import tensorflow_setup
from huskies.training.scatter import Scatter

# Below so many rows for each feature, their products with each other are less to compute than their covariance.
_FEW = 0.7
# Variance within the classes, as a share of the squares of their means, that is what rounding leaves of equal numbers.
_NOTHING = 1e-12

Linear = tuple[np.ndarray, np.ndarray]


def few(rows: int, dimensions: int) -> bool:
    """Return whether `OfRows` is quicker than `OfScatter`; both give the same discriminants, but for their signs."""
    return rows < _FEW * dimensions


class OfScatter:
    """Fisher's discriminants, as the module has them, from sums over all rows."""

    def __init__(self, scatter: Scatter, widths: Sequence[int] | None = None):
        """Take the scatter of the rows; widths: how many features are of each layer, None for one layer."""
        self._scale = _scale(scatter.variances(), widths)
        means, self._covariance = scatter.means() * self._scale, scatter.within()
        self._covariance *= self._scale[:, None]
        self._covariance *= self._scale
        self._centre, self._classes = means.mean(axis=0), len(means)
        self._apart, self._square = (means - self._centre).T, (means**2).mean()

    def at(self, shrinkage: float) -> Linear:
        """Return (kernel, float32, D × K; bias, float32, K), K = min(D, classes - 1)."""
        linalg = tensorflow_setup.load_tensorflow().linalg
        dimensions = len(self._covariance)
        variance = np.trace(self._covariance) / dimensions
        if variance <= _NOTHING * self._square:
            shrinkage, variance = 1, (self._apart**2).mean() or 1
        covariance = self._covariance * (1 - shrinkage)
        covariance[np.diag_indices(dimensions)] += shrinkage * variance
        lower = linalg.cholesky(covariance)
        whitened = linalg.triangular_solve(lower, self._apart)
        kept = min(dimensions, self._classes - 1)
        apart, directions, _ = (each.numpy() for each in linalg.svd(whitened))
        deviation = _deviation(apart[:kept], self._classes)
        kernel = linalg.triangular_solve(lower, directions[:, :kept] / deviation, adjoint=True).numpy()
        return (kernel * self._scale[:, None]).astype(np.float32), -(self._centre @ kernel).astype(np.float32)


class OfRows:
    """The same of fewer rows than features, where all that counts lies in the space that the rows span.

    The inverse of the shrunk covariance is that of a matrix of rows × rows (Woodbury's identity), and the discriminants
    are combinations of rows.
    """

    def __init__(self, rows: np.ndarray, labels: np.ndarray, classes: int, widths: Sequence[int] | None = None):
        """Take the rows, float32 N × D, and their int labels, N, some of each class; widths: as for OfScatter."""
        matmul = tensorflow_setup.load_tensorflow().matmul
        self._rows, self._labels = rows.astype(np.float64), labels
        self._scale = _scale(self._rows.var(axis=0), widths)
        self._rows *= self._scale
        counts = np.bincount(labels, minlength=classes)
        # Classes × N: what averages the rows of each class.
        self._average = (labels == np.arange(classes)[:, None]) / counts[:, None]
        self._from_centre = self._average - self._average.mean(axis=0)
        products = matmul(self._rows, self._rows, transpose_b=True).numpy()
        centred = self._centred(products)
        self._within = self._centred(centred.T) / len(rows)
        self._between = centred @ self._from_centre.T / np.sqrt(len(rows))
        self._apart = self._from_centre @ products @ self._from_centre.T
        self._square = np.einsum("kn,nm,km->", self._average, products, self._average) / (classes * rows.shape[1])

    def _centred(self, values: np.ndarray) -> np.ndarray:
        """Return values of rows, N × any, less their mean over the rows of the class."""
        return values - (self._average @ values)[self._labels]

    def at(self, shrinkage: float) -> Linear:
        """Return what OfScatter does; a direction in which the means of classes do not differ is nothing at all."""
        linalg = tensorflow_setup.load_tensorflow().linalg
        classes, dimensions = len(self._average), self._rows.shape[1]
        variance = np.trace(self._within) / dimensions
        if variance <= _NOTHING * self._square:
            shrinkage, variance = 1, np.trace(self._apart) / (classes * dimensions) or 1
        ridge = shrinkage * variance
        shrunk = (1 - shrinkage) * self._within
        shrunk[np.diag_indices(len(shrunk))] += ridge
        solved = (1 - shrinkage) * linalg.cholesky_solve(linalg.cholesky(shrunk), self._between).numpy()
        squares, turned = np.linalg.eigh((self._apart - self._between.T @ solved) / ridge)
        kept = classes - 1
        # In descending order, and the last one is the centre of all.
        apart, turned = np.sqrt(np.maximum(squares[::-1][:kept], 0)), turned[:, ::-1][:, :kept]
        turned = np.where(apart > np.sqrt(_NOTHING) * apart[0], turned / np.where(apart > 0, apart, 1), 0)
        combined = self._from_centre.T - self._centred(solved) / np.sqrt(len(self._rows))
        kernel = self._rows.T @ (combined @ turned) / (ridge * _deviation(apart, classes))
        centre = self._average.mean(axis=0) @ self._rows
        return (kernel * self._scale[:, None]).astype(np.float32), -(centre @ kernel).astype(np.float32)


def _deviation(apart: np.ndarray, classes: int) -> float:
    """Return the deviation of discriminants along which the means of the classes lie `apart`, K.

    Within the classes the variance is 1; that of their means comes to it.
    """
    return np.sqrt(1 + (apart**2).sum() / (classes * len(apart)))


def _scale(variances: np.ndarray, widths: Sequence[int] | None) -> np.ndarray:
    """Return what brings the features of each layer to a variance of 1 in all, float64, D; 1 for a single layer."""
    if widths is None:
        return np.ones(len(variances))
    of_layers = np.add.reduceat(variances, np.cumsum([0, *widths[:-1]]))
    return np.repeat(1 / np.sqrt(np.where(of_layers > 0, of_layers, 1)), widths)
