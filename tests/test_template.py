"""template: every page has one layout, fetches nothing, and takes what users wrote for text."""

import base64
import hashlib
import re
from pathlib import Path

import jinja2
import pytest
from conftest import PROJECT
from huskies.page import template
from huskies.planning import stage_list
from markupsafe import Markup

ALL = sorted((PROJECT / stage_list.PACKAGE).rglob("*.html"))
# The page of an export is handed on alone, and may compile WebAssembly.
PAGES = [path for path in ALL if path.parent.name not in {"page", "exports"}]
CHILD = '{% extends "layout.html" %}{% set title, stage = "A & B", "one" %}{% block main %}{{ said }}{% endblock %}'


@pytest.fixture
def child(tmp_path) -> Path:
    path = tmp_path / "child.html"
    path.write_text(CHILD)
    return path


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_no_page_has_a_head_style_or_script_of_its_own(path):
    text = path.read_text(encoding="utf-8")
    assert text.count('{% extends "layout.html" %}') == 1
    assert not re.search(r"<(!doctype|html|head|meta|title|style|script|footer|body)\b", text)


def test_a_page_is_whole_and_what_is_no_markup_is_escaped(child):
    page = template.page(child, said="<script>alert(1)</script>")
    assert page.startswith("<!doctype html>\n")
    assert page.endswith("</html>\n")
    assert "<title>A &amp; B – Two Huskies</title>" in page
    assert "<h1>A &amp; B</h1>" in page
    assert "Made by the stage <code>one</code> of Two Huskies. This page is one file and fetches nothing." in page
    assert "&lt;script&gt;alert(1)" in page
    assert template.page(child, said=Markup("<b>bold</b>")).count("<b>bold</b>") == 1


def test_a_page_runs_its_own_script_alone(child):
    page = template.page(child, said="")
    [script] = re.findall(r"<script>(.*?)</script>", page, flags=re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}';" in page


def test_what_a_page_lacks_is_an_error(child):
    with pytest.raises(jinja2.UndefinedError, match="'said' is undefined"):
        template.page(child)


@pytest.mark.parametrize(
    ("value", "kind", "shown"),
    [
        (7, "count", "7"),
        ("0.897143", "percent", "89.7\N{NO-BREAK SPACE}%"),
        (-0.0001, "points", "+0.0"),
        (0.25, "decimals", "0.250"),
        (12345.6, "digits", "12346"),
    ],
)
def test_a_number_is_shown_as_one_reads_it_beside_its_exact_value(value, kind, shown):
    assert template.plain(value, kind) == f'<data value="{value}">{shown}</data>'
    keyed = template.number({"a": {"b": float(value)}}, "a.b", kind if kind != "count" else "decimals")
    assert keyed.startswith(f'<data value="{float(value)}" data-key="a.b">')


def test_where_there_is_no_number_there_is_a_dash():
    assert template.plain("", "percent") == "–"
