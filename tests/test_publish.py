"""publish: Snakemake's own report shows the figures of now, with captions, in one file that fetches nothing."""

import base64
import re
import shutil
from pathlib import Path

import pytest
from browser import visit
from conftest import PROJECT, Clone, do, stages_run
from huskies import receipt
from huskies.errors import HuskyError
from huskies.steps import publish

# Nobody listens there, so whatever asks for the network fails.
WITHOUT_NETWORK = ("env", "http_proxy=http://127.0.0.1:9", "https_proxy=http://127.0.0.1:9")
REPORT = (*WITHOUT_NETWORK, "snakemake", "--cores", "2", "--report", "workflow-report.html")


def published(clone: Clone) -> dict[str, bytes]:
    """Return what is published, by its name without the folder of a hash."""
    return {name.rpartition("/")[2]: content for name, content in clone.bytes_of("publish").items()}


def test_every_caption_belongs_to_something_that_is_shown():
    captions = {path.name for path in (PROJECT / "workflow/report").iterdir()}
    rules = (PROJECT / "workflow/rules/publish.smk").read_text(encoding="utf-8")
    assert captions == {"workflow.rst", *re.findall(r'caption="\.\./report/(\w+\.rst)"', rules)}


def test_the_workflow_report_does_not_say_that_a_leak_always_stops_the_run():
    said = " ".join((PROJECT / "workflow/report/workflow.rst").read_text(encoding="utf-8").split())
    assert "or, with ``leaks.action: warn``, every number is said to be false" in said


@pytest.fixture
def inputs(tmp_path, monkeypatch) -> list[Path]:
    """The receipts of a report with one figure and of metrics with a table, in the current folder."""
    monkeypatch.chdir(tmp_path)
    receipts = []
    for stage, file, content in (
        ("report", "figures/map.svg", "<svg>ü</svg>"),
        ("metrics", "table.txt", "a < b & c\n"),
    ):
        path = Path("data", stage, file)
        path.parent.mkdir(parents=True)
        path.write_text(content, encoding="utf-8")
        planned = {"stage": stage}
        receipt.write(Path("data", stage), planned)
        receipts.append(Path("data", stage, receipt.name(receipt.plan_hash(planned))))
    return receipts


def test_figures_and_table_become_pages_in_place_of_those_of_before(inputs):
    old = Path("data/publish/0/old.html")
    old.parent.mkdir(parents=True)
    old.write_text("old")
    assert publish.run(inputs, Path("data/publish/1")) == "2 pages for snakemake --report"
    assert sorted(str(path) for path in Path("data/publish").rglob("*")) == [
        "data/publish/1",
        "data/publish/1/map.html",
        "data/publish/1/table.html",
    ]
    shown = {"map": "<figure><svg>ü</svg></figure>", "table": "<pre>a &lt; b &amp; c\n</pre>"}
    for name, body in shown.items():
        page = Path(f"data/publish/1/{name}.html").read_text(encoding="utf-8")
        assert f"<title>{name} – Two Huskies</title>" in page
        assert f"<main>\n{body}\n</main>" in page
        assert "script-src 'sha256-" in page
        assert "<script" not in page


@pytest.mark.parametrize("file", ["report/figures/map.svg", "metrics/table.txt"])
def test_figures_and_numbers_that_were_changed_by_hand_are_not_published(inputs, file):
    publish.run(inputs, Path("data/publish/1"))
    before = {path: path.read_bytes() for path in Path("data/publish").rglob("*.html")}
    Path("data", file).write_text("changed")
    stage, _, name = file.partition("/")
    with pytest.raises(HuskyError) as error:
        publish.run(inputs, Path("data/publish/2"))
    assert str(error.value) == (
        f"data/{stage} is not as its receipt says: {name}. Delete the folder and run the same command again."
    )
    assert {path: path.read_bytes() for path in Path("data/publish").rglob("*.html")} == before


def test_a_page_that_was_replaced_meanwhile_is_not_published(inputs):
    inputs[0].unlink()
    with pytest.raises(HuskyError, match=r"^data/report was replaced meanwhile\. Run the same command again\.$"):
        publish.run(inputs, Path("data/publish/1"))
    assert not Path("data/publish").exists()


@pytest.fixture(scope="module")
def reported(first_build, tmp_path_factory) -> Clone:
    """A clone with its workflow report. Not to be changed: copy it."""
    clone = first_build[0].copy(tmp_path_factory.mktemp("reported") / "clone")
    # A bare command makes all that the report shows, and no stage anew.
    assert stages_run(do(clone, "snakemake", "--cores", "2")) == []
    do(clone, *REPORT)
    return clone


@pytest.mark.long
def test_the_workflow_report_has_figures_and_numbers_with_their_captions(reported):
    figures = reported.bytes_of("report")
    shown = published(reported)
    assert len(shown) == 8
    for name, content in shown.items():
        if name != "table.html":
            assert b"<figure>%b</figure>" % figures[f"report/figures/{name.replace('.html', '.svg')}"] in content
    table = re.search(r"<pre.*?>(.*)</pre>", shown["table.html"].decode(), re.DOTALL)[1]
    assert table.split() == (reported.folder / "data/metrics/table.txt").read_text(encoding="utf-8").split()
    report = (reported.folder / "workflow-report.html").read_text(encoding="utf-8")
    for content in shown.values():
        assert base64.b64encode(content).decode() in report
    for caption in ("Did the augmentation help, or did it fool us?", "Which class each validation image is of"):
        assert caption in " ".join(report.split())


@pytest.mark.long
@pytest.mark.browser
def test_every_figure_of_the_workflow_report_is_seen_in_a_browser(chromium, reported):
    with visit(chromium, reported.folder / "workflow-report.html") as seen:
        found = {}
        for category, figures in {"Answer": 2, "Classes": 3, "Images": 1, "Training": 1}.items():
            for number in range(figures):
                seen.page.reload()
                seen.page.get_by_text(category, exact=True).first.click()
                rows = seen.page.locator("table tr").filter(has=seen.page.locator("svg"))
                row = rows.filter(has_not_text="the numbers and the verdict").nth(number)
                row.locator("svg").first.click()
                figure = seen.page.frame_locator("iframe").locator("figure > svg")
                found[figure.get_attribute("aria-label")] = figure.bounding_box()
        assert len(found) == 7
        assert all(box["width"] > 300 and box["height"] > 150 for box in found.values())
        assert (seen.errors, seen.outside) == ([], [])


@pytest.mark.long
def test_figures_of_before_are_not_taken_for_those_of_now(reported, tmp_path):
    clone = reported.copy(tmp_path / "pulled")
    # After a pull, Snakemake remembers nothing.
    shutil.rmtree(clone.folder / ".snakemake")
    shutil.rmtree(clone.folder / "data/publish")
    (clone.folder / "workflow-report.html").unlink()
    assert "Nothing to be done" in do(clone, "snakemake", "--cores", "2", "report")
    assert not (clone.folder / "data/publish").exists()
    done = clone.run(*REPORT)
    assert done.returncode != 0
    assert "marked for report but does not exist" in done.stderr
    assert not (clone.folder / "workflow-report.html").exists()
    do(clone, "snakemake", "--cores", "2")
    assert published(clone) == published(reported)

    before = clone.bytes_of("report", "metrics", "publish")
    clone.set(aug__factor=1)
    assert "marked for report but does not exist" in clone.run(*REPORT).stderr
    (clone.folder / "data/digits").rename(clone.folder / "data/elsewhere")
    assert clone.run("snakemake", "--cores", "2").returncode != 0
    assert clone.bytes_of("report", "metrics", "publish") == before
