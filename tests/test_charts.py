"""charts: every figure shows the numbers that it is given, in any page, for two classes and for a hundred."""

import re
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from huskies.page import charts
from huskies.steps import metrics
from scipy.signal import savgol_filter

SVG = "{http://www.w3.org/2000/svg}"
HEADS = ("baseline", "augmented")
METRICS = {
    "baseline": {"val_accuracy": 0.897143, "val_accuracy_low": 0.843282, "val_accuracy_high": 0.933943},
    "augmented": {"val_accuracy": 0.92, "val_accuracy_low": 0.870207, "val_accuracy_high": 0.95175},
    "gain": {"val_accuracy": 0.022857, "low": -0.016275, "high": 0.064815},
    "leaks": 0,
}


def history(points: int = 40) -> pd.DataFrame:
    steps = np.arange(1, points + 1)
    columns = {"train_accuracy": 1 - 0.5 / steps, "train_cross_entropy": 1 / steps}
    columns |= {"val_accuracy": 0.9 - 0.4 / steps, "val_cross_entropy": 0.3 + 1 / steps}
    return pd.DataFrame({"step": 20 * steps, **columns})


def predicted(labels: list[str], images: int = 300) -> pd.DataFrame:
    random = np.random.default_rng(0)
    actual, other = random.choice(labels, (2, images))
    return pd.DataFrame({"label": actual, "predicted": np.where(random.random(images) < 0.8, actual, other)}, dtype=str)


def as_text(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table as `manifest.read` gives it."""
    return frame.astype(object).where(frame.notna(), "").astype(str)


def counts(labels: list[str], heads: tuple[str, ...] = HEADS) -> pd.DataFrame:
    return as_text(pd.concat([metrics.confusion(head, predicted(labels)) for head in heads]))


def rows(labels: list[str]) -> pd.DataFrame:
    return as_text(pd.concat([metrics.per_class(head, predicted(labels)) for head in HEADS]))


def points(labels: list[str], images: int = 60) -> pd.DataFrame:
    random = np.random.default_rng(0)
    x, y = random.normal(size=(2, images))
    files = [f"{number}.jpg" for number in range(images)]
    label = np.resize(labels, images)
    return pd.DataFrame({"file": files, "label": label, "split": ["train", "val"] * (images // 2), "x": x, "y": y})


def draw(name: str) -> str:
    """Return one of the five figures, of three classes."""
    labels = ["a", "b", "c"]
    if name == "curves":
        return charts.learning_curves({head: as_text(history()) for head in HEADS}, dict.fromkeys(HEADS, 40), "A")
    if name == "comparison":
        return charts.comparison(METRICS, "A")
    if name == "confusion":
        return charts.confusion(counts(labels), labels, "A")
    if name == "classes":
        return charts.per_class(rows(labels), "A")
    return charts.bottleneck_map(points(labels), (0.31, 0.14), {"1.jpg"}, "A")


@pytest.fixture(scope="module")
def figures() -> dict[str, str]:
    return {name: draw(name) for name in ("curves", "comparison", "confusion", "classes", "map")}


def texts(svg: str) -> list[str]:
    return ["".join(text.itertext()) for text in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def tooltips(svg: str) -> list[str]:
    return [title.text for title in ElementTree.fromstring(svg).iter(f"{SVG}title")]


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
        assert set(re.findall(r"(?:fill|stroke): (#\w+)", svg)) <= set(charts._COLOURS)
        assert "currentColor" in svg


def test_all_figures_of_a_page_share_no_ids(figures):
    ids = [each for svg in figures.values() for each in re.findall(r' id="([^"]*)"', svg)]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("page", ["#ffffff", "#121212"])
def test_every_colour_stands_out_from_light_and_dark_pages(page):
    for colour in {*charts._COLOURS, *(colour for colour, _ in charts.LOOKS)}:
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


def test_a_comparison_of_leaked_images_says_that_it_is_false(figures):
    warning = "false: held-out images leaked"
    assert warning in texts(charts.comparison({**METRICS, "leaks": 1}, "A"))
    assert warning not in texts(figures["comparison"])


def test_a_gain_of_nothing_is_not_minus_nothing():
    nothing = {"val_accuracy": -0.0001, "low": -0.1, "high": 0.1}
    assert "+0.0 (-10.0 to +10.0)" in texts(charts.comparison({**METRICS, "gain": nothing}, "A"))


@pytest.mark.parametrize("labels", [["a", "b"], [f"class {number:03}" for number in range(100)]], ids=["2", "100"])
def test_every_confusion_is_a_cell_that_tells_what_it_is(labels):
    table = counts(labels, ("baseline",))
    totals = table["images"].astype(int).groupby(table["actual"]).sum()
    expected = []
    for row in table.itertuples():
        taken = "recognised" if row.actual == row.predicted else f"taken for {row.predicted}"
        expected.append(f"{row.actual}: {row.images} of {totals[row.actual]} {taken}")
    assert sorted(tooltips(charts.confusion(table, labels, "A"))) == sorted(expected)


def test_numbers_stand_in_cells_only_where_there_is_room():
    few, many = ["a", "b"], [f"class {number:03}" for number in range(100)]
    table = counts(few, ("baseline",))
    assert set(table["images"]) <= set(texts(charts.confusion(table, few, "A")))
    drawn = charts.confusion(counts(many, ("baseline",)), many, "A")
    assert not [text for text in texts(drawn) if text.isdigit()]
    assert [text for text in texts(drawn) if text.startswith("class ")]


def test_a_matrix_says_which_head_it_is_of():
    drawn = charts.confusion(counts(["a", "b"], ("augmented",)), ["a", "b"], "A")
    assert set(texts(drawn)) & set(HEADS) == {"augmented"}


def test_classes_that_a_head_never_predicts_have_no_precision_to_draw():
    table = rows(["a", "b"])
    alone = pd.DataFrame({"label": ["a", "b"], "predicted": ["a", "a"]}, dtype=str)
    never = as_text(pd.concat([metrics.per_class(head, alone) for head in HEADS]))
    assert never["precision"].tolist() == ["0.5", "", "0.5", ""]
    assert texts(charts.per_class(never, "A")) == texts(charts.per_class(table, "A"))


def test_a_map_rings_the_missed_and_names_every_class():
    labels = [f"class {number}" for number in range(30)]
    drawn = charts.bottleneck_map(points(labels), (0.31, 0.14), {"1.jpg", "3.jpg", "not drawn.jpg"}, "A")
    shown = texts(drawn)
    assert set(labels) | {"missed", "training", "second component, 14 %"} <= set(shown)
    assert "first component, 31 % of the variance" in shown
    styles = [use.get("style") for use in ElementTree.fromstring(drawn).iter(f"{SVG}use")]
    # One more stands in the legend.
    assert styles.count("fill-opacity: 0; stroke: currentColor") == 2 + 1


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "$x$", "שלום", "日本の花 " * 20])
def test_class_names_are_text_in_every_figure(name):
    labels = [name, "b"]
    for drawn in (
        charts.confusion(counts(labels), labels, "A"),
        charts.per_class(rows(labels), "A"),
        charts.bottleneck_map(points(labels), (0.31, 0.14), set(), "A"),
    ):
        assert "<script" not in drawn
        assert any(name in text for text in texts(drawn))
