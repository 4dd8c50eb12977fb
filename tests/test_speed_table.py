"""The table of speed: what a line says, whether its aim is met, and that the page shows the CSV."""

import math

import pandas as pd
import pytest
import speed_table
from speed_table import Line


@pytest.mark.parametrize(
    ("line", "met"),
    [
        (Line("a", "b", 2.2, "×", at_least=2.2), True),
        (Line("a", "b", 2.19, "×", at_least=2.2), False),
        (Line("a", "b", 59.9, "s", at_most=60), True),
        (Line("a", "b", 60.1, "s", at_most=60), False),
        (Line("a", "b", 60.1, "s"), None),
        (Line("a", "b", math.nan, "×", at_least=1), False),
        (Line("a", "b", math.nan, "s", at_most=1), False),
    ],
)
def test_an_aim_is_met_or_not_or_there_is_none(line, met):
    assert line.met() is met


def test_a_line_as_a_row():
    assert speed_table.as_row("peak", Line("limit", "share", 0.91234, "×", 0.9, note="why")) == {
        "part": "peak",
        "subject": "limit",
        "what": "share",
        "measured": "0.9123",
        "unit": "×",
        "aim": "at least 0.9",
        "met": "yes",
        "note": "why",
    }
    nothing = speed_table.as_row("peak", Line("limit", "failed", math.nan, "", note="ValueError: no"))
    assert list(nothing.values()) == ["peak", "limit", "failed", "", "", "", "", "ValueError: no"]


def test_large_numbers_keep_their_digits():
    assert speed_table.as_row("p", Line("a", "b", 12345.6, "×"))["measured"] == "12346"


def test_the_table_has_a_row_for_each_line():
    frame = pd.DataFrame([speed_table.as_row("p", Line("a", "b", 1.5, "×", 2))], columns=speed_table.COLUMNS)
    assert speed_table.table(frame).splitlines()[2:] == ["| a | b | 1.5 × | at least 2 | no |  |"]


def test_a_new_table_takes_the_place_of_the_old_one_and_of_nothing_else():
    frame = pd.DataFrame([speed_table.as_row("p", Line("a", "b", 1.5, "×"))], columns=speed_table.COLUMNS)
    first = speed_table.put(frame, f"# Title\n\n{speed_table.BEGIN}\n\nold\n\n{speed_table.END}\n\nText.\n")
    assert first.startswith("# Title\n\n")
    assert first.endswith("\n\nText.\n")
    assert "old" not in first
    assert speed_table.table(frame) in first
    assert speed_table.put(frame, first) == first


def test_new_lines_of_a_part_take_the_place_of_its_old_ones_in_the_order_of_the_parts():
    def lines(*named: tuple[str, str]) -> pd.DataFrame:
        return pd.DataFrame([speed_table.as_row(part, Line("s", what, 1, "×")) for part, what in named])

    old = lines(("one", "a"), ("three", "b"), ("three", "c"), ("of yore", "d"))
    parts = ["one", "two", "three"]
    again = speed_table.replace(old, lines(("three", "e")), parts)
    assert again[["part", "what"]].to_numpy().tolist() == [["one", "a"], ["three", "e"]]
    more = speed_table.replace(again, lines(("two", "f"), ("two", "g")), parts)
    assert more["what"].tolist() == ["a", "f", "g", "e"]


def test_the_page_shows_the_last_run():
    shown = speed_table.PAGE.read_text(encoding="utf-8")
    assert speed_table.put(speed_table.read(), shown) == shown
