"""Tests of sums over rows by class, which add up and subtract."""

import numpy as np
import pytest
from huskies.training import scatter

ROWS = np.random.default_rng(0).normal(size=(60, 5)).astype(np.float32)
LABELS = np.arange(60) % 3


def test_means_and_covariance_are_those_of_numpy():
    found = scatter.of(ROWS, LABELS, 3)
    means = np.stack([ROWS[label::3].mean(axis=0, dtype=float) for label in range(3)])
    assert found.means() == pytest.approx(means)
    assert found.within() == pytest.approx(np.cov((ROWS - means[LABELS]).T, bias=True))
    assert found.variances() == pytest.approx(ROWS.astype(float).var(axis=0))


def test_what_is_left_out_is_what_is_subtracted():
    first = np.arange(60) < 21
    parts = [scatter.of(ROWS[each], LABELS[each], 3) for each in (first, ~first)]
    whole = scatter.of(ROWS, LABELS, 3)
    for found, expected in ((parts[0] + parts[1], whole), (whole - parts[0], parts[1])):
        assert (found.counts == expected.counts).all()
        assert found.sums == pytest.approx(expected.sums)
        assert found.squares == pytest.approx(expected.squares)
