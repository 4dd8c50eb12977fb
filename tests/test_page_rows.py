"""page_rows: the rows of the article's page that need no photos, and those on the fly."""

from html import escape

from article_inputs import POLICY, number


def test_costs_are_said_to_be_of_this_machine(article_made):
    _, page, table, _ = article_made
    cost = number(table, "distorted", "times a step on bottlenecks")
    assert (cost["ours"], cost["note"]) == (2500, "measured on this machine")
    assert "(flip_left_right on, random_brightness 5 %, random_crop 10 %, random_scale 0 %)" in page


def test_noise_stands_beside_chance(article_made):
    _, _, table, _ = article_made
    assert number(table, "noise", "chance: one in as many as there are classes")["ours"] == 0.25
    baseline = number(table, "noise", "baseline: validation accuracy")
    assert (baseline["ours"], baseline["low"], baseline["high"]) == (0.25, 0.125, 0.375)


def test_a_transform_that_breaks_the_label_is_told_from_one_that_keeps_it(article_made):
    _, page, table, _ = article_made
    assert number(table, "label_safety", f"{POLICY}: accuracy lost on copies")["note"] == "collapses; 9 → 6: 5 of 6"
    assert number(table, "label_safety", "zoom up to 15 %: accuracy lost on copies")["note"] == "no warning"
    assert 'alt="Real images, untouched in the first row' in page
    assert f"Collapse: {escape(POLICY)}. Without a warning: zoom up to 15 %." in page
    assert "data:image/png;base64," in page
