"""charts: every figure shows the numbers that it is given, in any page, for two classes and for a hundred."""

import re
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from huskies.page import charts, class_charts
from scipy.signal import savgol_filter
from tables import HEADS, as_text, counts, points, rows, texts

ACCURACIES = {"baseline": (0.897143, 0.843282, 0.933943), "augmented": (0.92, 0.870207, 0.95175)}
GAIN = (0.022857, -0.016275, 0.064815)


def compared(gain: tuple[float, float, float] = GAIN, leaks: int = 0) -> str:
    """Return the figure of both accuracies and the gain."""
    return charts.comparison(ACCURACIES, gain, "validation accuracy", leaks, "A")


def history(points: int = 40) -> pd.DataFrame:
    steps = np.arange(1, points + 1)
    columns = {"train_accuracy": 1 - 0.5 / steps, "train_cross_entropy": 1 / steps}
    columns |= {"val_accuracy": 0.9 - 0.4 / steps, "val_cross_entropy": 0.3 + 1 / steps}
    return pd.DataFrame({"step": 20 * steps, **columns})


def draw(name: str) -> str:
    """Return one of the five figures, of three classes."""
    labels = ["a", "b", "c"]
    if name == "curves":
        return charts.learning_curves({head: as_text(history()) for head in HEADS}, dict.fromkeys(HEADS, 40), "A")
    if name == "comparison":
        return compared()
    if name == "confusion":
        return class_charts.confusion(counts(labels), labels, "A")
    if name == "classes":
        return class_charts.per_class(rows(labels), "A")
    return class_charts.bottleneck_map(points(labels), (0.31, 0.14), {"1.jpg"}, "A")


@pytest.fixture(scope="module")
def figures() -> dict[str, str]:
    return {name: draw(name) for name in ("curves", "comparison", "confusion", "classes", "map")}


def luminance(colour: str) -> float:
    """Return the relative luminance of `#rrggbb` as WCAG 2.2 defines it."""
    shares = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return sum(weight * each for weight, each in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_a_figure_is_the_same_whenever_it_is_drawn(figures):
    for name, svg in figures.items():
        assert draw(name) == svg, name


def test_a_figure_suits_light_and_dark_pages(figures):
    for svg in figures.values():
        root = ElementTree.fromstring(svg)
        assert (root.get("role"), root.get("aria-label")) == ("img", "A")
        assert root.get("viewBox")
        assert set(re.findall(r"(?:fill|stroke): (#\w+)", svg)) <= set(charts.COLOURS)
        assert "currentColor" in svg


def test_all_figures_of_a_page_share_no_ids(figures):
    ids = [each for svg in figures.values() for each in re.findall(r' id="([^"]*)"', svg)]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("page", ["#ffffff", "#121212"])
def test_every_colour_stands_out_from_light_and_dark_pages(page):
    for colour in {*charts.COLOURS, *(colour for colour, _ in charts.LOOKS)}:
        darker, lighter = sorted([luminance(colour), luminance(page)])
        assert (lighter + 0.05) / (darker + 0.05) >= 3, colour


def test_curves_are_smoothed_by_parabolas_through_a_tenth_of_their_points():
    values = np.random.default_rng(0).normal(size=100)
    assert np.array_equal(charts.smooth(values), savgol_filter(values, 11, 2))
    assert np.array_equal(charts.smooth(values[:30]), savgol_filter(values[:30], 5, 2))
    parabola = np.arange(100.0) ** 2
    assert charts.smooth(parabola) == pytest.approx(parabola)


def test_a_curve_of_few_points_is_drawn_as_it_is():
    assert np.array_equal(charts.smooth(np.array([3.0, 1.0, 2.0])), [3, 1, 2])
    few = {head: history(1) for head in HEADS}
    assert "step" in texts(charts.learning_curves(few, dict.fromkeys(HEADS, 20), "A"))


def test_curves_name_both_heads_and_both_splits(figures):
    expected = {f"{head}, {split}" for head in HEADS for split in ("validation", "training")}
    shown = texts(figures["curves"])
    assert expected | {"not smoothed", "the step that was kept", "accuracy, %", "cross-entropy, nats"} <= set(shown)


def test_another_step_that_was_kept_is_another_figure():
    histories = {head: history() for head in HEADS}
    drawn = {charts.learning_curves(histories, {"baseline": step, "augmented": 40}, "A") for step in (40, 60)}
    assert len(drawn) == 2


def test_the_comparison_has_the_numbers_of_the_table(figures):
    shown = texts(figures["comparison"])
    assert {"89.7 % (84.3 to 93.4)", "92.0 % (87.0 to 95.2)", "+2.3 (-1.6 to +6.5)"} <= set(shown)


def test_the_comparison_says_what_was_measured(figures):
    assert "validation accuracy, %" in texts(figures["comparison"])


def test_a_comparison_of_leaked_images_says_that_it_is_false(figures):
    warning = "false: held-out images leaked"
    assert warning in texts(compared(leaks=1))
    assert warning not in texts(figures["comparison"])


def test_a_gain_of_nothing_is_not_minus_nothing():
    assert "+0.0 (-10.0 to +10.0)" in texts(compared((-0.0001, -0.1, 0.1)))
