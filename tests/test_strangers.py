"""strangers: a threshold keeps what it is told to keep, and each class left out is a stranger to what is left."""

import numpy as np
import pytest
from conftest import TRAIN, USES_KERAS
from huskies.backbone.features import Rows
from huskies.model import strangers
from hypothesis import given
from hypothesis import strategies as st

pytestmark = USES_KERAS

PARAMETERS = {**TRAIN, "scaling": "discriminants", "shrinkage": 0.3, "l2": 0.01}


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=50), st.floats(0.01, 1))
def test_a_threshold_keeps_at_least_the_share_and_hardly_more(own, accept):
    limit = strangers.threshold(np.array(own), accept)
    assert np.mean(np.array(own) <= limit) >= accept - 1e-9
    assert np.mean(np.array(own) < limit) <= accept + 1e-9


def photos(apart: float) -> tuple[Rows, np.ndarray, np.ndarray]:
    """Return features, labels and folds of three classes that lie so far apart, each in a direction of its own."""
    random = np.random.default_rng(2)
    labels = np.repeat(np.arange(3), 30)
    features = 0.1 * random.standard_normal((90, 6)) + apart * np.eye(6)[labels] + 1
    return Rows([features.astype(np.float32)], np.arange(90)), labels, np.arange(90) % 5


def test_a_class_that_is_nothing_like_the_others_is_let_through_by_no_distance():
    found = strangers.left_out(*photos(5.0), PARAMETERS, 0.95)
    assert [each["class"] for each in found] == [0, 1, 2]
    assert {each["photos"] for each in found} == {30}
    assert {each["neighbours"] for each in found} == {0}


def test_a_class_that_is_just_like_the_others_is_let_through():
    found = strangers.left_out(*photos(0.0), PARAMETERS, 0.95)
    for method in strangers.METHODS:
        assert np.mean([each[method] for each in found]) == pytest.approx(0.95, abs=0.1)


def test_with_two_classes_none_can_be_left_out():
    features, labels, fold = photos(1.0)
    some = np.flatnonzero(labels < 2)
    assert strangers.left_out(features.only(some), labels[some], fold[some], PARAMETERS, 0.95) == []
