"""calibration: the temperature undoes what made answers too sure or too little, and the error measures how far off."""

import numpy as np
import pytest
from huskies.statistics import calibration
from hypothesis import given
from hypothesis import strategies as st
from scipy import special


def drawn(photos: int = 4000, classes: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Return logits and labels that are drawn by them, so that they are as sure as they should be."""
    random = np.random.default_rng(1)
    logits = 2 * random.standard_normal((photos, classes))
    shares = special.softmax(logits, axis=1).cumsum(axis=1)
    return logits, (random.random((photos, 1)) > shares).sum(axis=1).clip(max=classes - 1)


@pytest.mark.parametrize("factor", [0.2, 1.0, 5.0])
def test_the_temperature_is_what_the_logits_were_multiplied_by(factor):
    logits, labels = drawn()
    assert calibration.temperature(factor * logits, labels) == pytest.approx(factor, rel=0.06)


@pytest.mark.parametrize("factor", [0.2, 5.0])
def test_the_error_is_large_before_and_small_after(factor):
    logits, labels = drawn()
    fold = np.arange(len(labels)) % 5
    before = calibration.reliability(special.softmax(factor * logits, axis=1), labels)
    after = calibration.reliability(calibration.held_out(factor * logits, labels, fold), labels)
    assert calibration.expected_error(before) > 0.1
    assert calibration.expected_error(after) < 0.02


def test_a_fold_is_calibrated_by_the_others_alone():
    logits, labels = drawn(400)
    fold = np.arange(400) % 2
    wrong = np.where(fold == 0, (labels + 1) % 4, labels)
    one, other = (calibration.held_out(logits, each, fold) for each in (labels, wrong))
    assert (one[fold == 0] == other[fold == 0]).all()
    assert (one[fold == 1] != other[fold == 1]).any()


@given(st.lists(st.tuples(st.floats(0.34, 1), st.booleans()), min_size=1, max_size=30))
def test_every_photo_is_in_one_bin_and_the_error_is_between_0_and_1(photos):
    sure = np.array([each for each, _ in photos])
    probabilities = np.stack([sure, (1 - sure) / 2, (1 - sure) / 2], axis=1)
    bins = calibration.reliability(probabilities, np.array([0 if right else 1 for _, right in photos]))
    assert sum(each["photos"] for each in bins) == len(photos)
    assert [each["low"] for each in bins[1:]] == [each["high"] for each in bins[:-1]]
    assert 0 <= calibration.expected_error(bins) <= 1


def test_an_answer_that_is_sure_and_right_is_in_the_last_bin():
    [*others, last] = calibration.reliability(np.array([[1.0, 0.0]]), np.array([0]))
    assert last == {"low": 0.9, "high": 1.0, "photos": 1, "sure": 1.0, "right": 1.0}
    assert {each["sure"] for each in others} == {None}
