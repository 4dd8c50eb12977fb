"""The first layer of a head: every feature standardised, or all of them reduced to the discriminants of the classes."""

import numpy as np

from huskies.backbone import tensorflow_setup
from huskies.backbone.features import Rows, chunks
from huskies.errors import HuskyError

# How far the covariance within the classes is drawn to that of independent features; measured in docs/flowers.md.
_SHRINKAGE = 0.5


def layer(features: Rows | np.ndarray, labels: np.ndarray, scaling: str):
    """Return a Keras layer, not to be trained, for the training rows: float32 N × D, and int labels N.

    scaling: `standardise` or `discriminants`, as train.scaling in params.yaml.
    Raises HuskyError where there are no discriminants.
    """
    import keras

    if scaling == "standardise":
        return keras.layers.Normalization(**moments(features), name="standardise")
    kernel, bias = discriminants(features, labels)
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


def discriminants(features: Rows | np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (kernel, float32, D × K; bias, float32, K) of the linear discriminants, K = min(D, classes - 1).

    Fisher's discriminants (Hastie, Tibshirani and Friedman, The Elements of Statistical Learning, 4.3.3): the
    directions in which the classes' means differ, once the features are whitened by their covariance within the
    classes. Fewer images than features do not tell that covariance, so it is shrunk (Friedman 1989, Journal of the
    American Statistical Association 84: 165-175). Their variance is 1 on average, so that learning rate and penalties
    mean what they mean for standardised features. TensorFlow computes, one thread an operation, so that the bits do not
    depend on the cores.
    Raises HuskyError where no feature varies within a class.
    """
    linalg = tensorflow_setup.load_tensorflow().linalg
    means, covariance = _within(features, labels)
    dimensions = len(covariance)
    variance = np.trace(covariance) / dimensions
    # What is left of equal numbers by rounding is no variance.
    if variance <= 1e-12 * (means**2).mean():
        raise HuskyError("train.scaling: no feature varies within a class. Set it to standardise in params.yaml.")
    shrunk = (1 - _SHRINKAGE) * covariance + _SHRINKAGE * variance * np.eye(dimensions)
    lower = linalg.cholesky(shrunk)
    centre = means.mean(axis=0)
    whitened = linalg.triangular_solve(lower, (means - centre).T)
    kept = min(dimensions, len(means) - 1)
    apart, directions, _ = (each.numpy() for each in linalg.svd(whitened))
    # Within the classes the variance is 1; that of their means comes to it.
    deviation = np.sqrt(1 + (apart[:kept] ** 2).sum() / (len(means) * kept))
    kernel = linalg.triangular_solve(lower, directions[:, :kept] / deviation, adjoint=True).numpy()
    return kernel.astype(np.float32), -(centre @ kernel).astype(np.float32)


def _within(features: Rows | np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (mean of each class, classes × D; covariance about it, D × D), float64."""
    tensorflow = tensorflow_setup.load_tensorflow()
    sums, squares, start = np.zeros((labels.max() + 1, features.shape[1])), 0.0, 0
    for chunk in chunks(features):
        of_chunk = labels[start : start + len(chunk)]
        rows = chunk.astype(np.float64)
        np.add.at(sums, of_chunk, rows)
        squares += tensorflow.matmul(rows, rows, transpose_a=True).numpy()
        start += len(chunk)
    counts = np.bincount(labels)[:, None]
    means = sums / counts
    between = tensorflow.matmul(sums, means, transpose_a=True).numpy()
    return means, (squares - between) / len(features)
