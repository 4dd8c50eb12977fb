"""DVC's table and plots of two experiments, the plots as a browser shows them."""

import csv
import json
import re

import pytest
from browser import visit
from conftest import Clone, do
from huskies import outputs, receipt

PLOTS = [
    "Confusion, with augmentation",
    "Confusion, without augmentation",
    "Recall of each class",
    "Training accuracy by step",
    "Training cross-entropy by step",
    "Validation accuracy by step",
    "Validation cross-entropy by step",
]


@pytest.fixture(scope="module")
def compared(first_build, tmp_path_factory) -> Clone:
    """A clone with numbers in HEAD and an experiment, `short`, with fewer steps."""
    clone = first_build[0].copy(tmp_path_factory.mktemp("compared") / "clone")
    do(clone, "git", "add", "--all")
    do(clone, "git", "commit", "--quiet", "--message", "Numbers")
    do(clone, "dvc", "exp", "run", "--quiet", "--name", "short", "--set-param", "train.steps=6")
    return clone


@pytest.mark.long
def test_the_table_of_experiments_has_only_the_numbers_and_parameters_that_differ(compared):
    shown = do(compared, "dvc", "exp", "show", "--only-changed", "--drop", ".*/", "--csv")
    rows = {row["Experiment"] or row["rev"]: row for row in csv.DictReader(shown.splitlines())}
    numbers = receipt.flat(json.loads((compared.folder / "data/metrics" / outputs.SUMMARY).read_text()))
    assert (
        {"train.steps"}
        <= set(rows["short"]) - {"Experiment", "rev", "typ", "Created", "parent"}
        <= {
            "train.steps",
            *numbers,
        }
    )
    assert (rows["master"]["train.steps"], rows["short"]["train.steps"]) == ("24", "6")


@pytest.mark.long
def test_the_numbers_of_two_experiments_are_compared_a_few_of_them_or_all(compared):
    # Those that do not differ, too: so small a head may have the same numbers after either.
    few = json.loads(do(compared, "dvc", "metrics", "diff", "--all", "--json", "HEAD"))
    assert list(few) == ["data/metrics/summary.json"]
    everything = do(
        compared, "dvc", "metrics", "diff", "--json", "--targets", "data/metrics/metrics.json", "--", "HEAD"
    )
    assert json.loads(everything)["data/metrics/metrics.json"]["augmented.step"]["new"] <= 6


@pytest.mark.long
@pytest.mark.browser
def test_the_plots_of_two_experiments_are_drawn_in_a_browser(compared, chromium, tmp_path):
    import vl_convert

    do(compared, "dvc", "plots", "diff", "HEAD", "short", "--out", str(tmp_path))
    html = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert sorted(set(re.findall(r'"title": \{"text": "([^"]+)"', html))) == PLOTS
    # DVC's page has Vega from the network; here it comes from a package.
    bundle = vl_convert.javascript_bundle(
        "window.vega = vega; window.vegaLite = vegaLite; window.vegaEmbed = vegaEmbed", "5.20"
    )
    (tmp_path / "vega.js").write_text(bundle, encoding="utf-8")
    scripts = r'<script src="https://cdn\.jsdelivr\.net/npm/vega[^"]*"></script>\s*'
    page = tmp_path / "page.html"
    page.write_text(re.sub(f"({scripts})+", '<script src="vega.js" charset="utf-8"></script>', html), encoding="utf-8")
    with visit(chromium, page) as seen:
        drawn = seen.page.locator("svg.marks")
        drawn.nth(len(PLOTS) - 1).wait_for()
        assert (seen.errors, seen.outside) == ([], [])
        assert sorted(set(drawn.locator(".role-title-text").all_text_contents()) & set(PLOTS)) == PLOTS
        assert all(("HEAD" in text and "short" in text) for text in drawn.all_text_contents())
        # A bar for each of 2 heads, 3 classes and 2 experiments.
        assert drawn.locator("[aria-roledescription=bar]").count() == 12
