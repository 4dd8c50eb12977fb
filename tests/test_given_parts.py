"""A set that comes already split keeps its parts, and a group that crosses them has the strictest."""

import pandas as pd
import pytest
from huskies.errors import HuskyError
from huskies.images import given_parts


def table(*rows: tuple[str, str, str]) -> pd.DataFrame:
    """Return rows for (label, group, part)."""
    return pd.DataFrame(rows, columns=["label", "group", "split"])


def whole(*parts: str) -> list[tuple[str, str, str]]:
    return [(label, f"{label} {part}", part) for label in "ab" for part in parts]


CROSSING = table(("a", "1", "train"), ("a", "1", "val"), ("b", "1", "test"), ("b", "2", "val"), ("b", "2", "train"))


def check(rows: pd.DataFrame) -> None:
    given_parts.check(rows, given_parts.of_groups(rows))


@pytest.mark.parametrize("rows", [table(), table(("a", "1", ""), ("b", "2", ""))])
def test_a_set_that_is_not_split_has_no_parts_and_no_strays(rows):
    assert given_parts.of_groups(rows) == {}
    assert list(given_parts.strays(rows, {})) == [False] * len(rows)
    assert given_parts.said({}, 0.1) == ""


def test_of_the_parts_of_a_group_the_one_that_is_held_out_most_strictly_counts():
    assert given_parts.of_groups(CROSSING) == {"1": "test", "2": "val"}


def test_strays_are_the_rows_in_another_part_than_their_group():
    rows = CROSSING.set_axis([9, 7, 5, 3, 1])
    strays = given_parts.strays(rows, {"1": "test", "2": "val"})
    assert strays.to_dict() == {9: True, 7: True, 5: False, 3: False, 1: True}


def test_a_set_with_every_class_in_every_part_passes():
    check(table(*whole("train", "val", "test")))


@pytest.mark.parametrize("part", ["train", "val", "test"])
def test_a_part_without_a_class_is_refused_with_the_way_out(part):
    rows = table(*(row for row in whole("train", "val", "test") if row != ("b", f"b {part}", part)))
    with pytest.raises(HuskyError) as error:
        check(rows)
    assert str(error.value) == (
        f"the set is already split, and its {part} part has no image of the class 'b', or none that has no copy in a "
        "part that is held out. Add some, or set split.given to mix in params.yaml: then all images are split anew."
    )


def test_a_stray_makes_up_for_nothing_in_the_part_of_its_group():
    rows = table(*whole("train", "test"), ("c", "c", "train"), ("c", "a test", "train"))
    with pytest.raises(HuskyError, match=r"its test part has no image of the class 'c'"):
        check(rows)


@pytest.mark.parametrize(
    ("parts", "test", "said"),
    [
        ("train val test", 0.1, "its train, val, test are kept"),
        ("test train", 0.1, "its train, test are kept; val is drawn from its train"),
        ("train val", 0.1, "its train, val are kept; test is drawn from its train"),
        ("train val", 0.0, "its train, val are kept"),
    ],
)
def test_what_is_kept_and_what_is_drawn_is_said(parts, test, said):
    found = {str(number): part for number, part in enumerate(parts.split())}
    assert given_parts.said(found, test) == f"; the set is already split, and {said}"
