"""The first layer of a head: every feature standardised, or all of them reduced to the discriminants of the classes."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from huskies.backbone import tensorflow_setup
from huskies.backbone.features import Rows, chunks
from huskies.training.scatter import Scatter


def layer(features: Rows | np.ndarray, scatter: Scatter, parameters: dict[str, Any]):
    """Return a Keras layer, not to be trained, for the training rows: float32 N × D, and their scatter.

    parameters: the section `train` of params.yaml, with nothing left to be chosen, and the `widths` of several layers.
    """
    import keras

    if parameters["scaling"] == "standardise":
        return keras.layers.Normalization(**moments(features), name="standardise")
    kernel, bias = discriminants(scatter, parameters["shrinkage"], parameters.get("widths"))
    reduced = keras.layers.Dense(kernel.shape[1], trainable=False, name="discriminants")
    reduced.build((None, len(kernel)))
    reduced.set_weights([kernel, bias])
    return reduced


def moments(features: Rows | np.ndarray) -> dict[str, np.ndarray]:
    """Return mean and variance of each feature; the variance has a floor.

    A feature that hardly varies over a few training images may well vary over others, and dividing by next to
    nothing would let it drown all the rest.
    """
    mean = sum(chunk.sum(axis=0, dtype=np.float64) for chunk in chunks(features)) / len(features)
    variance = sum(((chunk - mean) ** 2).sum(axis=0) for chunk in chunks(features)) / len(features)
    return {"mean": mean, "variance": variance + 0.01 * variance.mean()}


def discriminants(
    scatter: Scatter, shrinkage: float, widths: Sequence[int] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return (kernel, float32, D × K; bias, float32, K) of the linear discriminants, K = min(D, classes - 1).

    Fisher's discriminants (Hastie, Tibshirani and Friedman, The Elements of Statistical Learning, 4.3.3): the
    directions in which the classes' means differ, once the features are whitened by their covariance within the
    classes. Fewer images than features do not tell that covariance, so it is shrunk towards that of independent
    features of one variance, by `shrinkage`, 0 to 1 (Friedman 1989, Journal of the American Statistical Association 84:
    165-175). widths: how many of the features are of each layer. Before that, every layer is brought to one variance,
    so that neither a wide one nor one of large numbers decides by itself. The discriminants' variance is 1 on average,
    so that learning rate and penalties mean what they mean for standardised features. Where nothing varies within a
    class, as with one image of each, only the means count.
    """
    linalg = tensorflow_setup.load_tensorflow().linalg
    scale = _scale(scatter.variances(), widths)
    means, covariance = scatter.means() * scale, scatter.within() * scale[:, None] * scale
    dimensions = len(covariance)
    variance = np.trace(covariance) / dimensions
    centre = means.mean(axis=0)
    # What is left of equal numbers by rounding is no variance.
    if variance <= 1e-12 * (means**2).mean():
        shrinkage, variance = 1, ((means - centre) ** 2).mean() or 1
    covariance *= 1 - shrinkage
    covariance[np.diag_indices(dimensions)] += shrinkage * variance
    lower = linalg.cholesky(covariance)
    whitened = linalg.triangular_solve(lower, (means - centre).T)
    kept = min(dimensions, len(means) - 1)
    apart, directions, _ = (each.numpy() for each in linalg.svd(whitened))
    # Within the classes the variance is 1; that of their means comes to it.
    deviation = np.sqrt(1 + (apart[:kept] ** 2).sum() / (len(means) * kept))
    kernel = linalg.triangular_solve(lower, directions[:, :kept] / deviation, adjoint=True).numpy()
    return (kernel * scale[:, None]).astype(np.float32), -(centre @ kernel).astype(np.float32)


def _scale(variances: np.ndarray, widths: Sequence[int] | None) -> np.ndarray:
    """Return what brings the features of each layer to a variance of 1 in all, float64, D; 1 for a single layer."""
    if widths is None:
        return np.ones(len(variances))
    of_layers = np.add.reduceat(variances, np.cumsum([0, *widths[:-1]]))
    return np.repeat(1 / np.sqrt(np.where(of_layers > 0, of_layers, 1)), widths)
