"""over_splits: what several splits say together, and that one split, or equal ones, say little."""

import numpy as np
import pytest
from huskies.statistics import intervals, over_splits
from hypothesis import given
from hypothesis import strategies as st


def test_the_numbers_of_several_splits_are_their_mean_spread_and_corrected_interval():
    gains = np.array([0.03, 0.01, 0.05])
    low, high, p_value = intervals.resampled_mean(gains, held_out=0.5)
    assert over_splits.spread(gains, 0.5) == {
        "mean": 0.03,
        "standard_deviation": 0.02,
        "low": round(low, 6),
        "high": round(high, 6),
        "p_value": round(p_value, 6),
    }


def test_an_accuracy_is_not_tested_against_0():
    low, high, _ = intervals.resampled_mean(np.array([0.90, 0.91, 0.89]), held_out=0.5)
    assert over_splits.accuracy(np.array([0.90, 0.91, 0.89]), 0.5) == {
        "mean": 0.9,
        "standard_deviation": 0.01,
        "low": round(low, 6),
        "high": round(high, 6),
    }


def test_one_split_has_no_spread():
    nothing = {"standard_deviation": None, "low": None, "high": None}
    assert over_splits.spread(np.array([0.9]), 0.5) == {"mean": 0.9, **nothing, "p_value": None}
    assert over_splits.accuracy(np.array([0.9]), 0.5) == {"mean": 0.9, **nothing}


def test_splits_that_all_agree_tell_nothing_of_the_spread():
    # As floats, the two differ.
    gains = np.array([0.93 - 0.9, 0.83 - 0.8])
    found = over_splits.spread(gains, 0.5)
    assert gains[0] != gains[1]
    assert found == {"mean": 0.03, "standard_deviation": 0.0, "low": None, "high": None, "p_value": None}


@given(st.lists(st.integers(0, 100), min_size=2, max_size=25), st.floats(0.01, 2))
def test_intervals_hold_the_mean_and_those_of_accuracies_stay_between_0_and_1(right, held_out):
    values = np.array(right) / 100
    for found in (over_splits.spread(values, held_out), over_splits.accuracy(values, held_out)):
        assert found["mean"] == pytest.approx(values.mean(), abs=1e-6)
        if found["low"] is not None:
            assert found["low"] <= found["mean"] <= found["high"]
            assert "p_value" in found or (found["low"] >= 0 and found["high"] <= 1)


def test_the_order_of_the_splits_does_not_matter():
    gains = np.array([0.03, 0.01, 0.05])
    assert over_splits.spread(gains[::-1], 0.5) == over_splits.spread(gains, 0.5)
