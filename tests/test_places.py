"""Tests of the places of groups, and of parts that no class may be missing in."""

import pandas as pd
import pytest
from huskies.errors import HuskyError
from huskies.images import places
from hypothesis import given, settings
from hypothesis import strategies as st


def test_a_place_is_the_same_for_ever():
    # The start of the sha256 of "1:abc", as `sha256sum` prints it.
    assert places.position(1, "abc") == 0xFAC4D75282E3DE35 / 2**64


@settings(deadline=None)
@given(st.integers(), st.text("0123456789abcdef", min_size=1))
def test_every_place_is_within_0_and_1(seed, group):
    assert 0 <= places.position(seed, group) < 1


ROWS = pd.DataFrame(
    [("a", "one"), ("a", "two"), ("a", "three"), ("b", "four"), ("b", "five")], columns=["label", "group"]
)


def test_a_class_that_is_missing_gets_its_lowest_group_that_can_be_spared():
    part_of = {"one": "x", "two": "x", "three": "x", "four": "x", "five": "y"}
    place = {"one": 0.3, "two": 0.1, "three": 0.2, "four": 0.0, "five": 0.5}
    moves = places.fill_classes(ROWS, part_of, place, ["x", "y"], str)
    assert moves == [{"group": "two", "label": "a", "before": "x", "after": "y"}]
    assert part_of == {"one": "x", "two": "y", "three": "x", "four": "x", "five": "y"}


def test_what_is_fixed_does_not_move():
    part_of = {"one": "x", "two": "x", "three": "x", "four": "x", "five": "y"}
    place = {"one": 0.3, "two": 0.1, "three": 0.2, "four": 0.0, "five": 0.5}
    places.fill_classes(ROWS, part_of, place, ["x", "y"], str, fixed={"two"})
    assert part_of["three"] == "y"


def test_a_class_without_a_group_to_spare_is_refused_in_the_words_of_the_caller():
    part_of = dict.fromkeys(ROWS["group"], "x")
    place = dict.fromkeys(ROWS["group"], 0.5)
    with pytest.raises(HuskyError, match=r"^b has 2$"):
        places.fill_classes(ROWS, part_of, place, ["x", "y", "z"], lambda label, groups: f"{label} has {groups}")
