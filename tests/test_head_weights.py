"""head_weights: plain matrices of a classifier, and only those that its method needs."""

import numpy as np
import pytest
from exported import HEAD, KNOWN, METHODS, RANDOM, WIDTH, said, weights
from huskies.exports.head_weights import HeadWeights


def distance_by_hand(head: HeadWeights, features: np.ndarray) -> np.ndarray:
    if head.method == "neighbours":
        return 1 - (features / np.linalg.norm(features, axis=1, keepdims=True) @ head.known).max(axis=1)
    among = features @ head.whitened + head.offset
    return np.linalg.norm(among[:, None] - head.means, axis=2).min(axis=1)


@pytest.mark.parametrize("method", ["neighbours", "mahalanobis"])
def test_the_matrices_give_the_distance(method):
    features = RANDOM.standard_normal((4, WIDTH)).astype(np.float32)
    assert distance_by_hand(weights(method), features) == pytest.approx(said(features, method)[1], abs=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_the_matrices_are_float32_and_there_are_no_more_than_the_method_needs(method):
    head = weights(method)
    found = {name: value for name, value in vars(head).items() if isinstance(value, np.ndarray)}
    needed = {"neighbours": {"known"}, "mahalanobis": {"whitened", "offset", "means"}}
    assert set(found) == {"kernel", "bias"} | needed.get(method, set())
    assert {each.dtype for each in found.values()} == {np.dtype(np.float32)}
    assert head.kernel == pytest.approx(HEAD.kernel, abs=1e-6)
    assert head.known is None or head.known.shape == KNOWN.T.shape
