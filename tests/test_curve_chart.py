"""curve_chart: points and forecasts are drawn, of one head or of two, and of none where nothing is foretold."""

import pytest
from huskies.page import charts, curve_chart
from learning_curves import FLAT, RISING, numbers

BASELINE, AUGMENTED = (colour for colour, _ in charts.LOOKS)


@pytest.mark.parametrize("accuracies", [(RISING, RISING), (RISING,), (FLAT, FLAT)])
def test_the_drawing_is_an_element_that_says_what_it_shows(accuracies):
    drawn = curve_chart.draw(numbers(*accuracies))
    assert drawn.startswith("<svg")
    assert curve_chart.CAPTION in drawn
    assert BASELINE in drawn
    assert (AUGMENTED in drawn) is (len(accuracies) == 2)


def test_what_is_foretold_is_drawn_where_something_is():
    told, untold = (curve_chart.draw(numbers(each)) for each in (RISING, FLAT))
    assert told.count(BASELINE) > untold.count(BASELINE)


def test_the_same_numbers_are_the_same_bytes():
    assert curve_chart.draw(numbers(RISING, FLAT)) == curve_chart.draw(numbers(RISING, FLAT))
