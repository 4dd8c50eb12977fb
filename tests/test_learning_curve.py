"""learning_curve: what is foretold follows the points, its interval what is not known, and nothing is said of noise."""

import dataclasses

import pytest
from huskies.statistics import learning_curve
from learning_curves import PHOTOS, curve

FALLING = curve(tuple(0.95 - 1.2 / PHOTOS))


def test_as_many_photos_again_bring_what_the_law_says_within_the_interval():
    gain, low, high = learning_curve.forecast(FALLING, 20)
    assert gain == pytest.approx(1.2 / 20 - 1.2 / 40, abs=0.01)
    assert low < gain < high
    assert high - low < 0.1


def test_more_photos_bring_more_and_are_less_certain():
    found = [learning_curve.forecast(FALLING, more) for more in (5, 10, 20)]
    gains, widths = [each[0] for each in found], [each[2] - each[1] for each in found]
    assert gains == sorted(gains)
    assert widths == sorted(widths)


def test_photos_that_go_together_make_it_less_certain():
    alone, in_fours = (learning_curve.forecast(curve(tuple(0.95 - 1.2 / PHOTOS), together=each), 20) for each in (1, 4))
    assert in_fours[2] - in_fours[1] > 1.5 * (alone[2] - alone[1])


def test_the_same_curve_says_the_same():
    assert learning_curve.forecast(FALLING, 20) == learning_curve.forecast(FALLING, 20)


def test_where_nothing_was_ever_wrong_more_photos_may_still_bring_or_take_a_little():
    gain, low, high = learning_curve.forecast(curve((1.0, 1.0, 1.0, 1.0)), 20)
    assert gain == 0
    assert -0.02 < low < 0 < high < 0.02


def test_a_curve_that_rises_can_be_carried_on():
    assert learning_curve.why_not(FALLING) == ""


def test_a_flat_curve_cannot_be_carried_on_and_neither_can_one_that_falls():
    assert learning_curve.why_not(curve((0.8, 0.8, 0.8, 0.8))).startswith(
        "from 4 to 16 photos a class the accuracy changed by +0.0 points ("
    )
    assert "changed by -10.0 points" in learning_curve.why_not(curve((0.9, 0.85, 0.8, 0.8)))


def test_too_few_photos_are_said_to_be_too_few():
    few = dataclasses.replace(FALLING, now=7.5)
    assert learning_curve.why_not(few) == "7.5 photos a class are too few to leave some out; it takes 8"


def test_draws_of_groups_have_the_mean_of_the_curve_and_the_spread_of_its_photos():
    drawn = learning_curve.drawn(FALLING)
    accuracy = learning_curve.means(FALLING)[0]
    assert drawn.mean(axis=0) == pytest.approx(accuracy, abs=0.005)
    assert drawn.std(axis=0) == pytest.approx((accuracy * (1 - accuracy) / 400) ** 0.5, rel=0.1)


def test_accuracies_have_intervals_and_the_rise_is_paired():
    assert [each[0] for each in FALLING.accuracies()] == pytest.approx(learning_curve.means(FALLING)[0])
    gain, low, high = FALLING.rise()
    first, *_, last = FALLING.accuracies()
    assert gain == pytest.approx(last[0] - first[0])
    assert high - low < (first[2] - first[1]) + (last[2] - last[1])
