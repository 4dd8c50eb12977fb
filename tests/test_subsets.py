"""subsets: smaller parts lie within larger ones, no group is cut, and every class is there, about as large as asked."""

import itertools

import numpy as np
import pandas as pd
import pytest
from huskies.errors import HuskyError
from huskies.images import folds, subsets
from hypothesis import given, settings
from hypothesis import strategies as st

SHARES = (0.25, 0.5, 0.75, 1.0)


def rows_of(labels: list[str], groups: list[str]) -> pd.DataFrame:
    return pd.DataFrame({"label": labels, "group": groups})


def parts(rows: pd.DataFrame, repeat: int = 0, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Return (the fold of each image, what `nested` says of it)."""
    fold_of = folds.assign(rows, 3, repeat, seed)
    return fold_of, subsets.nested(rows, fold_of, SHARES, repeat, seed)


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 12)), min_size=12, max_size=50), st.integers(0, 3))
def test_parts_are_nested_keep_groups_whole_and_have_every_class(photos, repeat):
    # Groups may have photos of both classes.
    rows = rows_of([label for label, _ in photos], [str(group) for _, group in photos])
    try:
        fold_of, kept = parts(rows, repeat)
    except HuskyError:
        return
    for smaller, larger in itertools.pairwise(kept):
        assert not (smaller & ~larger).any()
    for fold in range(3):
        assert (kept[-1, fold] == (fold_of != fold)).all()
        for part in kept[:, fold]:
            assert not part[fold_of == fold].any()
            for _, members in rows.groupby("group").groups.items():
                assert len(set(part[members])) == 1
            assert set(rows["label"][part]) == set(rows["label"])


def test_parts_are_as_large_as_their_share_to_half_a_group():
    rows = rows_of(["a"] * 40 + ["b"] * 30, [str(number // 2) for number in range(70)])
    fold_of, kept = parts(rows)
    for label in "ab":
        of_class = (rows["label"] == label).to_numpy()
        for fold in range(3):
            photos = (of_class & (fold_of != fold)).sum()
            sizes = (kept[:, fold] & of_class).sum(axis=1)
            assert sizes == pytest.approx(np.array(SHARES) * photos, abs=1)


def test_the_smallest_part_has_two_groups_of_a_class_that_has_as_many():
    _, kept = parts(rows_of(["a"] * 6 + ["b"] * 3, [str(number) for number in range(9)]))
    assert kept[0, :, :6].sum(axis=1).min() == 2
    assert kept[0, :, 6:].sum(axis=1).tolist() == [2, 2, 2]


def test_each_repeat_has_other_parts_and_a_new_photo_leaves_the_order_of_the_others():
    rows = rows_of(["a"] * 30, [str(number) for number in range(30)])
    fold_of = np.arange(30) % 3
    one, other = (subsets.nested(rows, fold_of, SHARES, repeat, 1) for repeat in range(2))
    assert (one != other).any()
    more = rows_of(["a"] * 31, [str(number) for number in range(31)])
    kept = subsets.nested(more, np.append(fold_of, 0), SHARES, 0, 1)
    # A photo more may take the last place of a part, and no more than that.
    assert (one[:, :, :30] & ~kept[:, :, :30]).sum(axis=2).max() <= 1


def test_parts_do_not_depend_on_the_order_of_the_rows():
    rows = rows_of(["a", "b"] * 15, [str(number // 3) for number in range(30)])
    fold_of = folds.assign(rows, 2, 0, 1)
    turned = subsets.nested(rows[::-1], fold_of[::-1], SHARES, 0, 1)[..., ::-1]
    assert (subsets.nested(rows, fold_of, SHARES, 0, 1) == turned).all()
