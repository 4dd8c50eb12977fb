"""class_charts: every class is shown by its numbers, two classes and a hundred, whatever their names."""

from xml.etree import ElementTree

import pandas as pd
import pytest
from huskies.page import class_charts
from huskies.steps import metrics
from tables import HEADS, SVG, as_text, counts, points, rows, texts


def tooltips(svg: str) -> list[str]:
    return [title.text for title in ElementTree.fromstring(svg).iter(f"{SVG}title")]


@pytest.mark.parametrize("labels", [["a", "b"], [f"class {number:03}" for number in range(100)]], ids=["2", "100"])
def test_every_confusion_is_a_cell_that_tells_what_it_is(labels):
    table = counts(labels, ("baseline",))
    totals = table["images"].astype(int).groupby(table["actual"]).sum()
    expected = []
    for row in table.itertuples():
        taken = "recognised" if row.actual == row.predicted else f"taken for {row.predicted}"
        expected.append(f"{row.actual}: {row.images} of {totals[row.actual]} {taken}")
    assert sorted(tooltips(class_charts.confusion(table, labels, "A"))) == sorted(expected)


def test_numbers_stand_in_cells_only_where_there_is_room():
    few, many = ["a", "b"], [f"class {number:03}" for number in range(100)]
    table = counts(few, ("baseline",))
    assert set(table["images"]) <= set(texts(class_charts.confusion(table, few, "A")))
    drawn = class_charts.confusion(counts(many, ("baseline",)), many, "A")
    assert not [text for text in texts(drawn) if text.isdigit()]
    assert [text for text in texts(drawn) if text.startswith("class ")]


def test_a_matrix_says_which_head_it_is_of():
    drawn = class_charts.confusion(counts(["a", "b"], ("augmented",)), ["a", "b"], "A")
    assert set(texts(drawn)) & set(HEADS) == {"augmented"}


def test_classes_that_a_head_never_predicts_have_no_precision_to_draw():
    table = rows(["a", "b"])
    alone = pd.DataFrame({"label": ["a", "b"], "predicted": ["a", "a"]}, dtype=str)
    never = as_text(pd.concat([metrics.per_class(head, alone) for head in HEADS]))
    assert never["precision"].tolist() == ["0.5", "", "0.5", ""]
    assert texts(class_charts.per_class(never, "A")) == texts(class_charts.per_class(table, "A"))


def test_a_map_rings_the_missed_and_names_every_class():
    labels = [f"class {number}" for number in range(30)]
    drawn = class_charts.bottleneck_map(points(labels), (0.31, 0.14), {"1.jpg", "3.jpg", "not drawn.jpg"}, "A")
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
        class_charts.confusion(counts(labels), labels, "A"),
        class_charts.per_class(rows(labels), "A"),
        class_charts.bottleneck_map(points(labels), (0.31, 0.14), set(), "A"),
    ):
        assert "<script" not in drawn
        assert any(name in text for text in texts(drawn))
