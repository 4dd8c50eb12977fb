"""publish: what `snakemake --report` shows, as small HTML pages: the figures of the page, and the table of numbers."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup

from huskies import atomic, outputs
from huskies.page import template
from huskies.planning import runner

TEMPLATE = Path(__file__).parent / "publish.html"


def pages(reported: Path, numbers: Path) -> dict[str, str]:
    """Return an HTML page for each figure of data/report, and for the table of data/metrics, by file name."""
    figures = sorted((reported / outputs.FIGURES).glob("*.svg"))
    shown = {path.stem: {"figure": Markup(path.read_text(encoding="utf-8")), "table": ""} for path in figures}
    shown["table"] = {"figure": "", "table": (numbers / outputs.TABLE).read_text(encoding="utf-8")}
    return {f"{name}.html": template.page(TEMPLATE, title=name, **each) for name, each in shown.items()}


def run(inputs: Sequence[Path], folder: Path) -> str:
    """Write the pages to `folder`, in place of all that lay beside it; return a line on it.

    inputs: the receipts of report and metrics. Raises HuskyError if a folder is not, or no longer, as its receipt says.
    """
    reported, numbers = (path.parent for path in inputs)
    with runner.reading(inputs, folder.parent):
        written = pages(reported, numbers)
        shutil.rmtree(folder.parent, ignore_errors=True)
        folder.mkdir(parents=True)
        for name, page in written.items():
            atomic.write(folder / name, page.encode())
    return f"{len(written)} pages for snakemake --report"
