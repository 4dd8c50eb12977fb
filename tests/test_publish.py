"""publish: Snakemake's own report shows the figures of now, with captions, in one file that fetches nothing."""

import base64
import re
import shutil

import pytest
from conftest import PROJECT, Clone, do, stages_run

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


@pytest.mark.long
def test_the_workflow_report_has_the_figures_of_now_or_is_refused(built: Clone):
    done = built.run(*REPORT)
    assert done.returncode != 0
    assert "marked for report but does not exist" in done.stderr
    assert not (built.folder / "workflow-report.html").exists()

    # A bare command makes all that the report shows, and no stage anew.
    assert stages_run(do(built, "snakemake", "--cores", "2")) == []
    figures = built.bytes_of("report")
    shown = published(built)
    assert len(shown) == 7
    for name, content in shown.items():
        if name != "table.html":
            assert content.endswith(figures[f"report/figures/{name.replace('.html', '.svg')}"])
    table = shown["table.html"].decode().partition("<pre>")[2]
    assert table.split() == (built.folder / "data/metrics/table.txt").read_text(encoding="utf-8").split()
    do(built, *REPORT)
    report = (built.folder / "workflow-report.html").read_text(encoding="utf-8")
    for content in shown.values():
        assert base64.b64encode(content).decode() in report
    assert "Did the augmentation help, or did it fool us?" in " ".join(report.split())
    assert "Which class each validation image is of" in " ".join(report.split())
    assert not re.search(r"<(script|link|img|iframe)[^>]+(src|href)=\"https?:", report)

    # After a pull, Snakemake remembers nothing.
    shutil.rmtree(built.folder / ".snakemake")
    shutil.rmtree(built.folder / "data/publish")
    said = do(built, "snakemake", "--cores", "2", "metrics")
    assert "Nothing to be done" in said
    assert not (built.folder / "data/publish").exists()
    do(built, "snakemake", "--cores", "2")
    assert published(built) == shown
    do(built, *REPORT)

    # Figures of other parameters are not taken for those of now, and a failure leaves all as it was.
    before = built.bytes_of("report", "metrics", "publish")
    built.set(aug__factor=1)
    assert built.run(*REPORT).returncode != 0
    (built.folder / "data/digits").rename(built.folder / "data/elsewhere")
    assert built.run("snakemake", "--cores", "2").returncode != 0
    assert built.bytes_of("report", "metrics", "publish") == before
