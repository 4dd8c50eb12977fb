"""What comes after the bottlenecks in an exported classifier, as plain matrices in float32.

Each method of strangers.METHODS is so written that a few layers can compute it.
"""

from dataclasses import dataclass

import numpy as np

from huskies.model.folder import Model

NEIGHBOURS, MAHALANOBIS, PROBABILITY = "neighbours", "mahalanobis", "probability"


@dataclass(frozen=True)
class HeadWeights:
    """kernel: D × classes, bias: classes: from bottlenecks to logits, which the temperature then divides.

    known: D × N, the directions of the known photos, for neighbours alone. whitened: D × K, offset: K, means:
    classes × K: where distances between classes are those of Mahalanobis, for mahalanobis alone. All float32.
    """

    kernel: np.ndarray
    bias: np.ndarray
    temperature: float
    method: str
    known: np.ndarray | None = None
    whitened: np.ndarray | None = None
    offset: np.ndarray | None = None
    means: np.ndarray | None = None


def of(model: Model, directions: np.ndarray) -> HeadWeights:
    """Return the weights of a classifier; directions: float16 N × D, of the photos that were trained on."""
    found, method = model.classifier, model.numbers["none_of_these"]["method"]
    more = {}
    if method == NEIGHBOURS:
        more = {"known": np.ascontiguousarray(directions.T.astype(np.float32))}
    if method == MAHALANOBIS:
        # x inverse xᵀ is the squared length of x root.
        root = np.linalg.cholesky(found.inverse)
        parts = {"whitened": found.discriminants @ root, "offset": found.offset @ root, "means": found.means @ root}
        more = {name: part.astype(np.float32) for name, part in parts.items()}
    kernel, bias = found.kernel.astype(np.float32), found.bias.astype(np.float32)
    return HeadWeights(kernel, bias, float(model.numbers["calibration"]["temperature"]), method, **more)
