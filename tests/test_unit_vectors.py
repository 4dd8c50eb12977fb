"""unit_vectors: features of one mean and spread, as whole numbers whose products are exact."""

import numpy as np
from huskies.near_duplicates import unit_vectors
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays


def features(size: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(size, 16)).astype(np.float32)


def test_directions_have_no_mean_and_one_spread_over_all_parts():
    one, other = features(30) * 3 + 5, features(20, seed=1)
    mean, spread = unit_vectors.moments([one, other])
    both = np.concatenate([one, other]).astype(np.float64)
    assert np.allclose(mean, both.mean(axis=0))
    assert np.allclose(spread, both.std(axis=0))
    expected = unit_vectors.whole((both - mean) / spread)
    assert np.array_equal(unit_vectors.directions(one, mean, spread), expected[:30])
    assert np.array_equal(unit_vectors.directions(one, mean, spread, np.array([4, 2])), expected[[4, 2]])


@given(
    arrays(np.float32, (6, 512), elements=st.floats(-1000, 1000, width=32)),
    st.permutations(range(512)),
)
def test_products_are_whole_numbers_in_any_order_of_adding_up(rows, order):
    vectors = unit_vectors.whole(rows)
    exact = vectors.astype(np.int64) @ vectors.T.astype(np.int64)
    assert exact.max() < 2**24
    assert np.array_equal(vectors @ vectors.T, exact)
    assert np.array_equal(vectors[:, order] @ vectors[:, order].T, exact)
