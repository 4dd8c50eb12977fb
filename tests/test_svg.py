"""svg: figures that may stand in any page, and what users wrote in them, as text."""

import re
from xml.etree import ElementTree

import matplotlib
import pytest
from huskies.page.drawing import INK, drawing
from huskies.page.svg import Texts, to_svg
from hypothesis import given, settings
from hypothesis import strategies as st

SVG = "{http://www.w3.org/2000/svg}"
NASTY = [
    "<script>alert(1)</script>",
    "$x$ and \\frac{1}{2}",
    "\"quoted\" & 'quoted'",
    "שלום עולם",
    "日本の花",
    "🌹 rose",
    "]]>",
    "⠁⠂",
]


def figure(*labels: str, alt: str = "two points", longest: int = 40) -> str:
    texts = Texts()
    with drawing(400, 300) as drawn:
        axes = drawn.subplots()
        axes.plot([0, 1], [0, 1], "o-", color=INK)
        axes.set_yticks(range(len(labels)), [texts.shown(label, longest) for label in labels])
        axes.add_patch(matplotlib.patches.Rectangle((0, 0), 1, 1, gid=texts.tooltip("a <cell>")))
        return to_svg(drawn, texts, alt)


def shown(svg: str) -> list[str]:
    """Return the text of every label, tooltips left out."""
    return [
        (text.text or "") + "".join(inner.tail for inner in text)
        for text in ElementTree.fromstring(svg).iter(f"{SVG}text")
    ]


def test_a_figure_scales_and_says_what_it_shows():
    root = ElementTree.fromstring(figure("a", alt='95 % of "<all>"'))
    assert (root.get("viewBox"), root.get("width"), root.get("height")) == ("0 0 400 300", None, None)
    assert root.get("style") == "width: 100%; height: auto; max-width: 533px"
    assert (root.get("role"), root.get("aria-label")) == ("img", '95 % of "<all>"')


def test_a_figure_has_nothing_that_would_touch_the_page_around_it():
    svg = figure("a")
    assert svg.startswith('<svg xmlns="http://www.w3.org/2000/svg" ')
    assert re.findall(r"<(style|script|metadata|!|\?)", svg) == []
    assert set(re.findall(r"https?://[^\"]*", svg)) == {"http://www.w3.org/2000/svg"}


def test_lines_and_letters_have_the_colour_and_the_generic_font_of_the_page():
    svg = figure("a")
    assert set(re.findall(r"(?:fill|stroke): (\S[^;\"]*)", svg)) == {"none", "currentColor", "#1f77b4"}
    assert set(re.findall(r"font-family: ([^;\"]*)", svg)) == {"sans-serif"}


def test_the_bytes_are_the_same_whatever_the_users_own_style_is():
    first = figure("a")
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "red", "svg.hashsalt": None}):
        assert figure("a") == first


def test_two_figures_share_no_ids_and_every_reference_leads_somewhere():
    ids = []
    for svg in (figure("a"), figure("b")):
        own = re.findall(r' id="([^"]*)"', svg)
        assert set(re.findall(r"(?:href=\"#|url\(#)([^\")]*)", svg)) == set(own)
        ids += own
    assert ids
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("text", NASTY)
def test_what_users_wrote_is_shown_as_text(text):
    svg = figure("plain", text)
    assert shown(svg)[-2:] == ["plain", text]
    assert "<script" not in svg
    assert [each.text for each in ElementTree.fromstring(svg).iter(f"{SVG}title")] == ["a <cell>"]


@settings(max_examples=10)
@given(st.lists(st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=30), max_size=3))
def test_any_names_come_through_whatever_their_letters(names):
    drawn = shown(figure(*names))
    assert drawn[len(drawn) - len(names) :] == names


def test_a_long_text_is_shortened_and_its_tooltip_has_all_of_it():
    svg = figure("a name that goes on and on", longest=10)
    assert shown(svg)[-1] == "a name th…"
    titles = [each.text for each in ElementTree.fromstring(svg).iter(f"{SVG}title")]
    assert sorted(titles) == ["a <cell>", "a name that goes on and on"]


def test_many_texts_are_told_apart():
    texts = Texts()
    drawn = [texts.shown(f"class {number}", 40) for number in range(70_000)]
    assert [texts.find(each) for each in drawn] == [(f"class {number}", "") for number in range(70_000)]


def test_letters_that_no_svg_may_hold_are_marked():
    assert shown(figure("a\x00b\x1fc\x85d"))[-1] == "a\ufffdb\ufffdc\ufffdd"
