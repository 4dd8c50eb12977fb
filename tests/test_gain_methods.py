"""gain_methods: each method's interval of a set made by hand, how all fare, and the page that shows it."""

import cross_validation
import gain_methods
import numpy as np
import pandas as pd
import pytest
from gain_methods import FOLDS, METHODS, SPLITS, Asked
from huskies.statistics import clustered, intervals


def asked(won: int = 6, lost: int = 2, photos: int = 50) -> Asked:
    """Return what five repeats, all alike, say of photos of which copies win some and lose some."""
    before, after = np.ones(photos, bool), np.ones(photos, bool)
    before[:won], after[photos - lost :] = False, False
    folds = np.tile(np.arange(photos) % FOLDS, (5, 1))
    gains = after.astype(float) - before
    nested = np.where(np.arange(FOLDS)[:, None] == folds[0], np.nan, gains)
    right = np.stack([np.tile(each, (5, 1)) for each in (before, after)])
    splits = np.array([gains[folds[0] == fold].mean() for fold in range(FOLDS)] * (SPLITS // FOLDS))
    return Asked(right, folds, np.arange(photos), splits, np.stack([nested, nested]))


def test_every_method_of_all_photos_has_the_same_gain_inside_its_interval():
    found = {name: method(asked()) for name, method in METHODS.items()}
    for name, (gain, low, high) in found.items():
        assert low <= gain <= high
        assert name == gain_methods.SINGLE or gain == pytest.approx(0.08)


def test_the_methods_of_the_product_are_its_own_functions():
    one = asked()
    assert METHODS[gain_methods.CHOSEN[2]](one) == clustered.gain(*one.right[:, :2], one.groups)
    first = one.right[:, 0, one.folds[0] == 0]
    assert METHODS[gain_methods.SINGLE](one) == intervals.paired_gain(*first)
    assert METHODS[gain_methods.MANY](one)[1:] == intervals.resampled_mean(one.splits, 0.25)[:2]


def test_splits_that_all_agree_have_ends_that_nobody_knows():
    gain, low, high = gain_methods.many_splits(asked(won=0, lost=0))
    assert gain == 0
    assert np.isnan([low, high]).all()


def test_intervals_are_narrower_for_photos_one_by_one_than_for_what_is_added_to_them():
    published, chosen = (
        METHODS[name](asked()) for name in ("as Bayle et al. have it, repeats 1", gain_methods.CHOSEN[1])
    )
    assert published[2] - published[1] < chosen[2] - chosen[1]
    # The standard deviation of 6 won and 2 lost of 50 is 0.392.
    assert published[2] - published[0] == pytest.approx(1.96 * 0.392 / 50**0.5, abs=1e-3)


def test_nested_cross_validation_stays_between_its_bounds():
    _, low, high = gain_methods.nested(asked())
    naive = gain_methods.NORMAL * asked().gains(1).std(ddof=1) / 50**0.5
    assert naive <= (high - low) / 2 <= naive * FOLDS**0.5


def test_how_methods_fare_is_counted_over_sets():
    # Two sets: the first method holds the truth of 0.02 once and excludes 0 once; the ends of the others are unknown.
    found = np.full((2, len(METHODS), 3), np.nan)
    found[0, 0], found[1, 0] = (0.03, 0.01, 0.05), (0.0, -0.01, 0.01)
    found[:, 1:] = (0.0, -0.1, 0.1)
    found[0, 1] = np.nan
    table = cross_validation.summarise(found, 0.02)
    assert table.iloc[0].tolist() == [gain_methods.SINGLE, 2.0, 50.0, 3.0, 50.0]
    assert table.iloc[1].tolist() == [gain_methods.MANY, 2.0, 100.0, 20.0, 0.0]


def test_a_row_is_measured_the_same_again():
    source = cross_validation.SOURCES["Gaussian, some twice"](None)
    one, other = (cross_validation.measure(source, 5, 3) for _ in range(2))
    pd.testing.assert_frame_equal(one, other)
    assert one["coverage"].between(0, 100).all()


def test_the_page_shows_what_was_measured():
    page = cross_validation.PAGE.read_text(encoding="utf-8")
    assert cross_validation.put(pd.read_csv(cross_validation.RESULT), page) == page
