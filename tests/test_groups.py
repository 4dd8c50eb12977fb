"""groups: what belongs together is one group, named after its smallest source."""

import pandas as pd
import pytest
from conftest import PROJECT
from huskies.images import groups
from hypothesis import given, settings
from hypothesis import strategies as st


@pytest.fixture(autouse=True)
def _where_the_weights_are(monkeypatch):
    monkeypatch.chdir(PROJECT)


def row(number: int, **values: str) -> dict[str, str]:
    base = {"file": f"cat/{number}.jpg", "label": "cat", "group": "", "source": f"cat/{number}.png"}
    return base | {"source_sha256": f"{number:064x}", "sha256": f"{number + 1000:064x}"} | values


def groups_of(rows: list[dict[str, str]]) -> list[str]:
    return groups.find_groups(pd.DataFrame(rows))["group"].tolist()


def test_a_group_is_named_after_its_smallest_source():
    rows = [row(7, group="g"), row(3, group="g"), row(5)]
    rows = [each | {"source_sha256": f"{number}{'a' * 63}"} for each, number in zip(rows, (7, 3, 5), strict=True)]
    assert groups_of(rows) == ["3" + "a" * 15, "3" + "a" * 15, "5" + "a" * 15]


def test_an_empty_group_column_binds_nothing():
    distinct = [row(number) | {"source_sha256": f"{number}" * 64} for number in range(4)]
    assert len(set(groups_of(distinct))) == 4


def test_a_group_of_the_user_is_no_name_of_a_duplicate():
    rows = [row(1) | {"source_sha256": "1" * 64}, row(2, group=row(1)["sha256"]) | {"source_sha256": "2" * 64}]
    assert groups_of(rows) == ["1" * 16, "2" * 16]


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=12), st.randoms()
)
def test_groups_depend_on_content_and_neither_on_order_nor_on_paths(kinds, random):
    rows = [
        row(number, group=f"g{column}" if column else "", sha256=f"{jpeg or number + 100:064}")
        | {"source_sha256": f"{source or number + 50:016}" + "0" * 48}
        for number, (column, jpeg, source) in enumerate(kinds)
    ]
    before = dict(zip((each["source"] for each in rows), groups_of(rows), strict=True))
    shuffled = random.sample(rows, len(rows))
    assert groups_of(shuffled) == [before[each["source"]] for each in shuffled]
    moved = [each | {"file": f"dog/{number}.jpg", "source": f"new/{number}.png"} for number, each in enumerate(rows)]
    assert groups_of(moved) == list(before.values())


@settings(deadline=None)
@given(
    st.integers(1, 12).flatmap(
        lambda size: st.tuples(st.just(size), st.lists(st.tuples(*[st.integers(0, size - 1)] * 2)))
    )
)
def test_joining_gives_the_smallest_item_that_can_be_reached(case):
    size, bonds = case
    reachable = [{item} for item in range(size)]
    for _ in range(size):
        for one, other in bonds:
            reachable[one] |= reachable[other]
            reachable[other] |= reachable[one]
    assert groups.join(size, bonds) == [min(each) for each in reachable]
