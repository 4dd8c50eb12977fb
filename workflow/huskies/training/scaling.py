"""The first layer of a head: every feature standardised, or all of them reduced to the discriminants of the classes."""

from typing import Any

import numpy as np

from huskies.backbone.features import Rows, chunks
from huskies.training import discriminants
from huskies.training.scatter import Scatter


def layer(features: Rows | np.ndarray, scatter: Scatter, parameters: dict[str, Any]):
    """Return a Keras layer, not to be trained, for the training rows: float32 N × D, and their scatter.

    parameters: the section `train` of params.yaml, with nothing left to be chosen, and the `widths` of several layers.
    """
    import keras

    if parameters["scaling"] == "standardise":
        return keras.layers.Normalization(**moments(features), name="standardise")
    kernel, bias = discriminants.OfScatter(scatter, parameters.get("widths")).at(parameters["shrinkage"])
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
