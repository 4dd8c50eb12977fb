"""Tests of the intervals of cross-validation."""

import math

import numpy as np
import pytest
from huskies.statistics import clustered, intervals
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

ALONE = np.arange(8)


def answers(*rows: str) -> np.ndarray:
    """Return repeats × images, where 1 stands for right."""
    return np.array([[each == "1" for each in row] for row in rows])


def test_the_interval_is_that_of_the_mean_over_images_and_half_an_image_won_and_half_a_one_lost():
    found = clustered.gain(answers("11110000"), answers("11111100"), ALONE)
    mean = 2 / 9
    squares = 2 * (1 - mean) ** 2 + 6 * mean**2 + 1 + mean**2
    reach = stats.t.ppf(0.975, 7) * math.sqrt(squares * 8 / 7) / 9
    assert found == pytest.approx((2 / 8, mean - reach, mean + reach))


def test_heads_that_never_differ_still_have_a_gain_that_is_not_known_for_certain():
    gain, low, high = clustered.gain(answers("11110000"), answers("11110000"), ALONE)
    assert gain == 0
    assert low == -high
    assert high > 0.1


def test_images_that_go_together_count_as_fewer():
    before, after = answers("1111000011110000"), answers("1111110011111100")
    apart = clustered.gain(before, after, np.arange(16))
    together = clustered.gain(before, after, np.arange(16) % 8)
    assert apart[0] == together[0]
    assert together[2] - together[1] > 1.3 * (apart[2] - apart[1])


def test_repeats_that_agree_narrow_nothing_and_others_do():
    before = answers("11110000")
    once = clustered.gain(before, answers("11111100"), ALONE)
    assert clustered.gain(np.repeat(before, 2, 0), answers("11111100", "11111100"), ALONE) == pytest.approx(once)
    other = clustered.gain(np.repeat(before, 2, 0), answers("11111100", "11110011"), ALONE)
    assert other[0] == pytest.approx(once[0])
    assert other[2] - other[1] < once[2] - once[1]


RIGHT = st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(0, 5)), min_size=1, max_size=60)


@given(RIGHT)
def test_intervals_hold_their_value_and_stay_within_what_is_possible(rows):
    before, after, groups = (np.array(each) for each in zip(*rows, strict=True))
    gain, low, high = clustered.gain(before[None], after[None], groups)
    assert -1 <= low <= gain <= high <= 1
    accuracy, low, high = clustered.accuracy(after[None], groups)
    assert accuracy == pytest.approx(after.mean())
    assert 0 <= low <= accuracy <= high <= 1 + 1e-12


@given(st.integers(0, 50), st.integers(1, 50))
def test_wilson_is_scipys_for_whole_images(right, more):
    images = right + more
    assert clustered.wilson(right / images, images) == pytest.approx(intervals.wilson(right, images), abs=1e-12)


def test_the_accuracy_of_single_images_has_nearly_wilsons_interval():
    right = np.arange(200) < 150
    found = clustered.accuracy(right[None], np.arange(200))
    assert found == pytest.approx((0.75, *intervals.wilson(150, 200)), abs=1e-3)


def test_where_all_are_right_groups_count_as_images():
    assert clustered.accuracy(np.ones((1, 30), bool), np.arange(30) % 10)[1:] == pytest.approx(intervals.wilson(10, 10))


def test_the_balanced_accuracy_weighs_classes_alike():
    labels = np.array([0] * 90 + [1] * 10)
    right = np.concatenate([np.ones(90, bool), np.zeros(10, bool)])
    mean, low, high = clustered.balanced_accuracy(right[None], np.arange(100), labels)
    assert mean == pytest.approx(0.5)
    assert low < 0.5 < high


def test_for_classes_of_one_size_the_balanced_accuracy_is_the_accuracy():
    random = np.random.default_rng(0)
    right, labels = random.random((3, 60)) < 0.8, np.arange(60) % 3
    balanced = clustered.balanced_accuracy(right, np.arange(60), labels)
    assert balanced == pytest.approx(clustered.accuracy(right, np.arange(60)))
