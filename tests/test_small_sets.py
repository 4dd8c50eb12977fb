"""small_sets: what is drawn is of the classes and groups that it says, and what is fresh was not drawn."""

import numpy as np
import pytest
from feature_pools import Pool
from small_sets import COPIES, FRESH, Finite, Gaussian, Resampled, components


@pytest.fixture
def pool() -> Pool:
    """Three classes of 12 photos, far apart, whose copies lie close to them."""
    random = np.random.default_rng(0)
    labels = np.repeat(np.arange(3), 12)
    originals = (10 * np.eye(3)[labels] @ random.normal(0, 1, (3, 8)) + random.normal(0, 1, (36, 8))).astype(np.float32)
    copied = originals[:, None] + random.normal(0, 0.1, (36, COPIES, 8)).astype(np.float32)
    return Pool(labels, originals, copied)


def test_a_finite_pool_is_drawn_without_replacement_and_what_is_left_is_fresh(pool):
    drawn = Finite(pool).draw(np.random.default_rng(1), 5)
    assert np.bincount(drawn.labels).tolist() == [5, 5, 5]
    assert np.bincount(drawn.fresh_labels).tolist() == [7, 7, 7]
    together = np.concatenate([drawn.originals, drawn.fresh])
    assert len(np.unique(together, axis=0)) == 36
    assert (together[:, -1] == 1).all()
    assert len(set(drawn.groups)) == 15


def test_components_keep_the_distances_of_standardised_features_and_turn_copies_alike(pool):
    found = components(pool)
    gram = found.originals @ found.originals.T
    deviation = pool.originals.std(axis=0, dtype=float)
    standardised = (pool.originals - pool.originals.mean(axis=0)) / deviation
    assert np.corrcoef(gram.ravel(), (standardised @ standardised.T).ravel())[0, 1] > 0.999
    near = np.linalg.norm(found.copied - found.originals[:, None], axis=-1)
    assert near.max() < np.linalg.norm(found.originals, axis=1).min()


@pytest.mark.parametrize("twice", [False, True])
def test_second_shots_are_near_the_first_of_their_group_and_class(pool, twice):
    drawn = Resampled(pool, twice).draw(np.random.default_rng(1), 50)
    things = len(set(drawn.groups))
    assert things == 150
    assert (len(drawn.labels) > things) is twice
    assert (drawn.labels == drawn.labels[drawn.groups]).all()
    second = drawn.originals[150:] - drawn.originals[drawn.groups[150:]]
    others = drawn.originals[1:50] - drawn.originals[:49]
    assert not twice or np.linalg.norm(second, axis=1).mean() < np.linalg.norm(others, axis=1).mean() / 2


def test_resampled_photos_vary_as_those_of_the_pool_do(pool):
    source, found = Resampled(pool), components(pool)
    drawn = source.draw(np.random.default_rng(1), 2000)
    spread = (drawn.originals[:, :-1] - source.centres[drawn.labels]).std(axis=0)
    assert spread == pytest.approx((found.originals - source.centres[found.labels]).std(axis=0), rel=0.05)


def test_the_same_seed_draws_the_same_set():
    one, other = (Gaussian(0.6, 0.5).draw(np.random.default_rng(3), 5) for _ in range(2))
    assert all((vars(one)[name] == vars(other)[name]).all() for name in vars(one))
    assert one.copied.shape == (50, COPIES, 33)
    assert len(one.fresh) == 10 * FRESH
