"""Intervals: the published numbers, and what must hold for any two heads."""

import numpy as np
import pytest
from huskies.statistics import intervals
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

COUNT = st.integers(0, 60)
TABLES = st.tuples(COUNT, COUNT, COUNT, COUNT).filter(any)


def heads(both: int, lost: int, won: int, neither: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (before, after) for a table of images that both heads get right, only the first, only the second, none."""
    before = [True] * both + [True] * lost + [False] * won + [False] * neither
    after = [True] * both + [False] * lost + [True] * won + [False] * neither
    return np.array(before), np.array(after)


@pytest.mark.parametrize(
    ("right", "images", "low", "high"),
    [
        # Newcombe 1998, Statistics in Medicine 17: 857-872, table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_gives_the_published_intervals(right, images, low, high):
    assert intervals.wilson(right, images) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


@settings(deadline=None)
@given(st.integers(1, 500).flatmap(lambda images: st.tuples(st.integers(0, images), st.just(images))))
def test_an_accuracy_lies_in_its_interval_and_errors_mirror_it(counts):
    right, images = counts
    low, high = intervals.wilson(right, images)
    assert 0 <= low <= right / images <= high <= 1
    mirrored = intervals.wilson(images - right, images)
    assert (1 - high, 1 - low) == pytest.approx(mirrored, abs=1e-12)


def test_more_images_narrow_the_interval_of_the_same_accuracy():
    widths = [high - low for low, high in (intervals.wilson(9 * n, 10 * n) for n in (1, 2, 5, 20, 100))]
    assert widths == sorted(widths, reverse=True)
    assert widths[-1] < widths[0] / 8


@pytest.mark.parametrize(
    ("table", "gain", "low", "high", "digits"),
    [
        # Altman, Machin, Bryant, Gardner 2000, Statistics with Confidence, table 6.2.
        ((14, 5, 0, 22), -0.122, -0.226, -0.011, 3),
        # Fagerland, Lydersen, Laake 2017, Statistical Analysis of Contingency Tables, chapter 8: Cavo et al. 2012.
        ((59, 6, 16, 80), 0.0621, 0.0046, 0.1186, 4),
    ],
)
def test_the_gain_has_the_published_intervals(table, gain, low, high, digits):
    found = intervals.paired_gain(*heads(*table))
    assert found == tuple(pytest.approx(each, abs=0.51 * 10**-digits) for each in (gain, low, high))


@settings(deadline=None)
@given(TABLES)
def test_a_gain_lies_in_its_interval_and_the_interval_in_minus_one_to_one(table):
    _, lost, won, _ = table
    gain, low, high = intervals.paired_gain(*heads(*table))
    assert gain == pytest.approx((won - lost) / sum(table), abs=1e-12)
    assert -1 - 1e-12 <= low <= gain <= high <= 1 + 1e-12


@settings(deadline=None)
@given(TABLES)
def test_swapping_the_heads_mirrors_the_interval(table):
    before, after = heads(*table)
    gain, low, high = intervals.paired_gain(before, after)
    assert intervals.paired_gain(after, before) == pytest.approx((-gain, -high, -low), abs=1e-12)


@settings(deadline=None)
@given(TABLES, st.randoms(use_true_random=False))
def test_the_order_of_the_images_does_not_matter(table, random):
    before, after = heads(*table)
    order = list(range(len(before)))
    random.shuffle(order)
    assert intervals.paired_gain(before[order], after[order]) == intervals.paired_gain(before, after)


@settings(deadline=None)
@given(st.integers(1, 300), st.integers(0, 300))
def test_heads_that_agree_on_every_image_have_no_gain_and_still_an_interval(both, neither):
    gain, low, high = intervals.paired_gain(*heads(both, 0, 0, neither))
    assert gain == 0
    assert low < 0 < high
    assert low == pytest.approx(-high, abs=1e-12)


def test_pairing_narrows_the_interval_where_heads_agree_on_most_images():
    paired = intervals.paired_gain(*heads(70, 2, 8, 20))
    unrelated = intervals.paired_gain(*heads(56, 16, 22, 6))
    assert paired[0] == pytest.approx(unrelated[0])
    assert paired[2] - paired[1] < 0.7 * (unrelated[2] - unrelated[1])


VALUES = st.lists(st.integers(-100, 100), min_size=2, max_size=20).filter(lambda each: len(set(each)) > 1)


@given(VALUES)
def test_values_of_splits_that_do_not_overlap_have_students_interval(values):
    values = np.array(values) / 100
    low, high, p_value = intervals.resampled_mean(values, held_out=0.0)
    student = stats.ttest_1samp(values, 0)
    assert (low, high) == pytest.approx(tuple(student.confidence_interval(0.95)), abs=1e-9)
    assert p_value == pytest.approx(student.pvalue, abs=1e-9)


def test_the_interval_of_splits_is_that_of_nadeau_and_bengio():
    values = np.array([0.01, 0.03, -0.01, 0.02, 0.05])
    low, high, p_value = intervals.resampled_mean(values, held_out=0.5)
    # Mean 0.02, variance 0.0005, corrected by 1/5 + 1/2; 2.7764 is the 97.5 % point of t with 4 degrees of freedom.
    error = (0.0005 * 0.7) ** 0.5
    assert (low, high) == pytest.approx((0.02 - 2.7764 * error, 0.02 + 2.7764 * error), abs=1e-6)
    assert p_value == pytest.approx(2 * stats.t.sf(0.02 / error, 4))


@given(VALUES, st.floats(0, 2))
def test_an_interval_of_splits_excludes_0_where_its_p_value_is_below_5_per_cent(values, held_out):
    low, high, p_value = intervals.resampled_mean(np.array(values) / 100, held_out)
    assert (low > 0 or high < 0) == (p_value < 0.05)


@pytest.mark.parametrize("values", [[0.5], [0.7 - 0.6, 0.8 - 0.7, 0.1]], ids=["one split", "all alike"])
def test_splits_without_a_spread_have_no_interval(values):
    assert intervals.resampled_mean(np.array(values), 0.5) is None


def test_overlapping_splits_are_covered_as_often_as_is_claimed():
    """Accuracies of a threshold, learnt on 40 and validated on 20 of the same 60 values, again and again."""
    random = np.random.default_rng(3)
    # Two normal classes, two standard deviations apart: what the learnt thresholds are worth, on many values.
    truth, covered, covered_uncorrected, sets, splits = [], 0, 0, 200, 15
    samples = []
    for _ in range(sets):
        labels = np.arange(60) % 2
        values = random.normal(2.0 * labels, 1)
        accuracies = []
        for _ in range(splits):
            order = random.permutation(60)
            learnt, held_out = order[:40], order[40:]
            threshold = (values[learnt][labels[learnt] == 0].mean() + values[learnt][labels[learnt] == 1].mean()) / 2
            accuracies.append(((values[held_out] > threshold) == labels[held_out]).mean())
            truth.append((stats.norm.cdf(threshold) + stats.norm.sf(threshold - 2)) / 2)
        samples.append(np.array(accuracies))
    for sample in samples:
        low, high, _ = intervals.resampled_mean(sample, 20 / 40)
        covered += low <= np.mean(truth) <= high
        low, high, _ = intervals.resampled_mean(sample, 0.0)
        covered_uncorrected += low <= np.mean(truth) <= high
    assert covered / sets > 0.9
    assert covered_uncorrected / sets < 0.75
