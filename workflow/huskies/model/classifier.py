"""A trained head as plain numbers: one matrix from bottlenecks to logits, and the discriminants beside it.

Whoever asks it needs numpy alone. Each photo is computed by itself and in float64, so that it has the same answer in
any company.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from huskies.backbone.features import Rows
from huskies.training import discriminants, regularisation, scatter
from huskies.training.scatter import Scatter

# What discriminants are shrunk by for distances, where the head itself has none.
_SHRINKAGE = regularisation.GRID["shrinkage"][0]
# Of the variance of the discriminants within classes, what keeps its inverse finite where hardly anything varies.
_RIDGE = 1e-3


@dataclass(frozen=True)
class Classifier:
    """kernel: D × classes, bias: classes. Their sum with a bottleneck are logits, in the order of the labels.

    discriminants: D × K, offset: K; means: classes × K, where the classes lie among the discriminants; inverse: K × K,
    of the covariance within the classes there. All float64.
    """

    kernel: np.ndarray
    bias: np.ndarray
    discriminants: np.ndarray
    offset: np.ndarray
    means: np.ndarray
    inverse: np.ndarray

    def logits(self, features: np.ndarray) -> np.ndarray:
        """Return the logits of bottlenecks, float32 N × D, as float64 N × classes."""
        return _each(features, self.kernel) + self.bias

    def distances(self, features: np.ndarray) -> np.ndarray:
        """Return the Mahalanobis distance of bottlenecks to the nearest class, among the discriminants, float64 N."""
        apart = (_each(features, self.discriminants) + self.offset)[:, None] - self.means
        return np.sqrt(np.maximum(np.einsum("nck,kl,ncl->nc", apart, self.inverse, apart), 0).min(axis=1))


def _each(features: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    # A product of whole matrices adds up in an order that depends on how many rows there are.
    return (
        np.stack([row @ kernel for row in features.astype(np.float64)])
        if len(features)
        else np.empty((0, kernel.shape[1]))
    )


def of_head(weights: Sequence[np.ndarray], train: tuple[Rows, np.ndarray], parameters: dict[str, Any]) -> Classifier:
    """Return the classifier of a head that was trained on rows: float32 features N × D, and int labels N.

    weights: those of its last layer, kernel and bias. parameters: the section `train` that it was trained with, with
    nothing left to be chosen, and the `widths` of several layers.
    """
    features, labels = train
    known = scatter.of(features, labels, int(labels.max()) + 1)
    first, added = (each.astype(np.float64) for each in regularisation.linear(features, known, parameters))
    last, bias = (each.astype(np.float64) for each in weights)
    kernel = first @ last if first.ndim == 2 else first[:, None] * last
    return Classifier(kernel, added @ last + bias, *_among_discriminants(known, first, added, parameters))


def _among_discriminants(
    known: Scatter, first: np.ndarray, added: np.ndarray, parameters: dict[str, Any]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return (discriminants, offset, means, inverse) as Classifier has them."""
    if first.ndim != 2:
        found = discriminants.OfScatter(known, parameters.get("widths")).at(_SHRINKAGE)
        first, added = (each.astype(np.float64) for each in found)
    within = first.T @ known.within() @ first
    within[np.diag_indices(len(within))] += _RIDGE * (np.trace(within) / len(within) or 1.0)
    return first, added, known.means() @ first + added, np.linalg.inv(within)


def probabilities(logits: np.ndarray, temperature: float) -> np.ndarray:
    """Return the class probabilities of logits, N × classes, at a temperature, float64."""
    return special.softmax(logits / temperature, axis=1)
