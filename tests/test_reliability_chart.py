"""reliability_chart: both sets of bins are drawn, empty bins are not, and the same numbers are the same bytes."""

from huskies.page import charts, reliability_chart

EMPTY = {"low": 0.0, "high": 0.5, "photos": 0, "sure": None, "right": None}
BINS = {
    "before": [EMPTY, {"low": 0.5, "high": 1.0, "photos": 9, "sure": 0.6, "right": 0.9}],
    "after": [EMPTY, {"low": 0.5, "high": 1.0, "photos": 9, "sure": 0.9, "right": 0.9}],
}


def test_the_drawing_is_an_element_that_says_what_it_shows():
    drawn = reliability_chart.draw(BINS)
    assert drawn.startswith("<svg")
    assert reliability_chart.CAPTION in drawn
    assert all(colour in drawn for colour, _ in charts.LOOKS)
    assert drawn == reliability_chart.draw(BINS)
