"""encoder_chart: one row for each encoder, filled where it cannot be told from the best."""

from huskies.page import encoder_chart


def test_each_encoder_has_its_row_in_the_order_of_the_table():
    rows = [
        {"accuracy": 0.9, "low": 0.85, "high": 0.93, "level_with_best": True},
        {"accuracy": 0.5, "low": 0.4, "high": 0.6, "level_with_best": False},
    ]
    drawn = encoder_chart.draw({"entrants": rows})
    assert drawn.startswith("<svg")
    assert encoder_chart.CAPTION in drawn
    assert [drawn.count(f">{number}<") for number in (1, 2, 3)] == [1, 1, 0]
    assert drawn == encoder_chart.draw({"entrants": rows})
    other = encoder_chart.draw({"entrants": [rows[0], {**rows[1], "level_with_best": True}]})
    assert other != drawn
