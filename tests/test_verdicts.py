"""Verdicts: one rule, in agreement with what is printed, and how many images it would take to tell."""

import re

import pytest
from huskies.statistics import intervals, verdicts
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from test_intervals import TABLES, heads


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.008, 0.076, "helped"),
        (-0.076, -0.008, "hurt"),
        (-0.028, 0.051, "cannot be told"),
        (0.0, 0.05, "cannot be told"),
        (0.0004, 0.05, "cannot be told"),
        (-0.05, -0.0004, "cannot be told"),
        (0.0006, 0.05, "helped"),
    ],
)
def test_the_interval_as_it_is_shown_gives_the_verdict(low, high, verdict):
    assert verdicts.verdict(low, high) == verdict


def test_the_exact_test_has_the_published_p_values():
    # The binomial probability of 5 or more of 5 heads or tails, and of 1 or fewer of 9.
    assert verdicts.exact_mcnemar(5, 0) == pytest.approx(2 / 2**5)
    assert verdicts.exact_mcnemar(1, 8) == pytest.approx(2 * (1 + 9) / 2**9)
    assert verdicts.exact_mcnemar(0, 0) == 1
    assert verdicts.exact_mcnemar(4, 4) == 1


@given(st.integers(0, 50), st.integers(0, 50))
def test_the_exact_test_takes_no_side(won, lost):
    assert verdicts.exact_mcnemar(won, lost) == verdicts.exact_mcnemar(lost, won)


def power(won: float, lost: float, images: int) -> float:
    """Return the power of the McNemar test (normal, 5 %) for these chances of being won and lost, exactly."""
    limit, found = stats.norm.ppf(0.975), 0.0
    for differing, chance in enumerate(stats.binom.pmf(range(images + 1), images, won + lost)):
        counts = range(differing + 1)
        rejected = [abs(2 * count - differing) > limit * differing**0.5 for count in counts]
        found += chance * sum(stats.binom.pmf(counts, differing, won / (won + lost))[rejected])
    return found


@pytest.mark.parametrize(("won", "lost", "images"), [(0.20, 0.10, 234), (0.10, 0.05, 469), (0.05, 0.15, 155)])
def test_as_many_images_as_are_said_to_be_needed_have_80_per_cent_power(won, lost, images):
    seen = 10_000
    assert verdicts.images_to_tell(round(won * seen), round(lost * seen), seen) == images
    assert power(won, lost, images) == pytest.approx(0.8, abs=0.03)


@given(TABLES)
def test_where_it_cannot_be_told_more_images_are_needed_than_there_are(table):
    _, lost, won, _ = table
    images = sum(table)
    _, low, high = intervals.paired_gain(*heads(*table))
    needed = verdicts.images_to_tell(won, lost, images)
    assert (needed is None) == (won == lost)
    if needed is not None and verdicts.verdict(low, high) == "cannot be told":
        assert needed > images


@pytest.mark.parametrize(
    ("needed", "text"),
    [(4, "4"), (61, "61"), (118, "120"), (121, "130"), (1862, "1 900"), (4943, "5 000"), (1_234_567, "1 300 000")],
)
def test_how_many_are_needed_is_said_with_two_digits_and_never_too_few(needed, text):
    assert verdicts.what_it_takes(needed) == f"About {text} would be needed to tell a gain of this size."


@pytest.mark.parametrize(
    ("numbers", "sentence"),
    [
        ((0.042, 0.008, 0.076), "Augmentation helped by 4.2 points (0.8 to 7.6) on 180 validation images."),
        ((-0.042, -0.076, -0.008), "Augmentation hurt by 4.2 points (0.8 to 7.6) on 180 validation images."),
        (
            (0.011, -0.028, 0.051),
            "With 180 validation images it cannot be told whether augmentation helped: the gain of +1.1 points lies "
            "between -2.8 and +5.1. About 1 900 would be needed to tell a gain of this size.",
        ),
    ],
)
def test_the_verdict_is_a_sentence(numbers, sentence):
    assert verdicts.sentence(*numbers, images=180, needed=1862) == sentence


@given(TABLES)
def test_the_sentence_says_what_the_verdict_is(table):
    _, lost, won, _ = table
    gain, low, high = intervals.paired_gain(*heads(*table))
    said = verdicts.sentence(gain, low, high, sum(table), verdicts.images_to_tell(won, lost, sum(table)))
    assert verdicts.verdict(low, high) in said
    shown = [float(each) for each in re.findall(r"-?\d+\.\d", said.replace("+", ""))]
    assert "-0.0" not in said
    if "cannot be told" in said:
        assert shown[1] <= 0 <= shown[2]
    else:
        assert 0 < shown[1] <= shown[0] <= shown[2]


@pytest.mark.parametrize(("p_value", "text"), [(0.0004, "p < 0.001"), (0.031, "p = 0.031"), (1.0, "p = 1.000")])
def test_p_values_are_written_as_people_write_them(p_value, text):
    assert verdicts.p_text(p_value) == text
