"""Tests of the folds of cross-validation."""

import numpy as np
import pandas as pd
import pytest
from huskies.errors import HuskyError
from huskies.images import folds
from hypothesis import assume, given, settings
from hypothesis import strategies as st


def photos(*sizes: int, label: str = "a") -> pd.DataFrame:
    """Return rows of groups of these sizes, of one class."""
    groups = [f"{label}{number}" for number, size in enumerate(sizes) for _ in range(size)]
    return pd.DataFrame({"label": label, "group": groups})


SETS = st.lists(st.lists(st.integers(1, 4), min_size=5, max_size=30), min_size=1, max_size=4).map(
    lambda classes: pd.concat([photos(*sizes, label=label) for label, sizes in zip("abcd", classes, strict=False)])
)


@settings(deadline=None)
@given(SETS, st.integers(2, 5), st.integers(0, 3), st.integers(0, 100))
def test_each_fold_has_each_class_and_each_group_is_in_one_fold(rows, count, repeat, seed):
    fold = folds.assign(rows, count, repeat, seed)
    assert (rows.assign(fold=fold).groupby("group")["fold"].nunique() == 1).all()
    assert (rows.assign(fold=fold).groupby("label")["fold"].nunique() == count).all()
    assert set(fold) == set(range(count))


def test_added_photos_leave_the_others_in_their_folds():
    few = pd.concat([photos(*[1] * 60), photos(*[1] * 60, label="b")], ignore_index=True)
    many = pd.concat([few, photos(*[1] * 80).iloc[60:]], ignore_index=True)
    before, after = (folds.assign(rows, 5, 0, 1) for rows in (few, many))
    assert (before == after[: len(before)]).all()


def test_another_repeat_or_seed_has_other_folds():
    rows = photos(*[1] * 50)
    first = folds.assign(rows, 5, 0, 1)
    assert (first == folds.assign(rows, 5, 0, 1)).all()
    assert (first != folds.assign(rows, 5, 1, 1)).any()
    assert (first != folds.assign(rows, 5, 0, 2)).any()


def test_the_folds_are_not_those_of_the_split():
    # Were they, the training images of `split` would all stand in the same folds.
    rows = photos(*[1] * 200)
    fold = folds.assign(rows, 5, 0, 1)
    assert np.bincount(fold).min() > 25


def test_a_class_with_fewer_groups_than_folds_is_refused_with_what_it_takes():
    rows = pd.concat([photos(*[1] * 9), photos(3, 1, label="b")])
    with pytest.raises(HuskyError) as refused:
        folds.assign(rows, 5, 0, 1)
    assert str(refused.value) == (
        "the class 'b' is too small for 5 folds, each of which needs an image of it: it has 4 image(s) that are not "
        "test images, in 2 group(s), which never cross a fold. Add 3 other(s) of that class, or set "
        "cross_validation.folds to 2 in params.yaml, or remove the class."
    )


def test_a_class_in_one_group_is_refused_without_a_number_of_folds_that_would_do():
    with pytest.raises(HuskyError, match=r"in 1 group.*Add 4 other.s. of that class, or remove the class"):
        folds.assign(photos(7), 5, 0, 1)


ROWS = pd.DataFrame(
    [("x", "g", "s", "1"), ("x copy", "g", "s", "2"), ("y", "h", "t", "3"), ("z", "h", "u", "3")],
    columns=["file", "group", "source_sha256", "sha256"],
)


def test_nothing_crosses_where_groups_sources_and_bytes_stay_together():
    assert not len(folds.crossing(ROWS, np.array([0, 0, 1, 1])))


@pytest.mark.parametrize(
    ("fold", "expected"),
    [
        ([0, 1, 1, 1], {("x", "x copy", "group"), ("x", "x copy", "descent")}),
        ([0, 0, 0, 1], {("y", "z", "group"), ("y", "z", "bytes")}),
    ],
)
def test_what_crosses_is_named(fold, expected):
    found = folds.crossing(ROWS, np.array(fold))
    assert set(found.itertuples(index=False, name=None)) == expected


@settings(deadline=None)
@given(SETS, st.integers(2, 5), st.integers(0, 3))
def test_folds_as_assigned_never_cross(rows, count, repeat):
    assume(len(rows))
    rows = rows.reset_index(drop=True)
    names = pd.Series(range(len(rows))).astype(str)
    listed = rows.assign(file=names, source_sha256=rows["group"], sha256=names)
    assert not len(folds.crossing(listed, folds.assign(rows, count, repeat, 1)))
