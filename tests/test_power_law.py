"""power_law: curves of the law are carried on as they are, and no other is let rise or fall below no errors at all."""

import numpy as np
import pytest
from huskies.statistics import power_law
from hypothesis import given
from hypothesis import strategies as st

PHOTOS = np.array([4.0, 8.0, 12.0, 16.0])
WANTED = np.array([20.0, 40.0])


@pytest.mark.parametrize(("floor", "slope", "power"), [(0.1, 0.5, 0.5), (0.0, 0.9, 0.35), (0.05, 2.0, 1.5)])
def test_a_curve_of_the_law_is_carried_on(floor, slope, power):
    errors = floor + slope * PHOTOS**-power
    [found] = power_law.predict(errors[None], PHOTOS, WANTED)
    assert found == pytest.approx(floor + slope * WANTED**-power, abs=0.002)


def test_each_draw_has_a_curve_of_its_own():
    errors = np.stack([0.1 + 0.5 / PHOTOS, 0.2 + 1 / PHOTOS**0.5])
    together = power_law.predict(errors, PHOTOS, WANTED)
    assert (together == np.concatenate([power_law.predict(each[None], PHOTOS, WANTED) for each in errors])).all()


def test_errors_that_stay_or_rise_stay():
    for errors in ([0.2, 0.2, 0.2, 0.2], [0.1, 0.2, 0.2, 0.3]):
        [found] = power_law.predict(np.array([errors]), PHOTOS, WANTED)
        assert found == pytest.approx([np.mean(errors)] * 2)


@given(st.lists(st.floats(0, 1), min_size=4, max_size=4))
def test_foretold_errors_never_rise_and_are_never_below_none(errors):
    [found] = power_law.predict(np.array([errors]), PHOTOS, WANTED)
    assert 0 <= found[1] <= found[0] <= 1 + 1e-9
