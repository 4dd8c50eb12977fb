"""publish: what `snakemake --report` shows, as small HTML pages: the figures of the page, and the table of numbers."""

import html
import shutil
from collections.abc import Sequence
from pathlib import Path

from huskies import atomic, outputs
from huskies.planning import runner

_PAGE = '<!doctype html>\n<meta charset="utf-8">\n<title>{title}</title>\n{body}'


def pages(reported: Path, numbers: Path) -> dict[str, str]:
    """Return an HTML page for each figure of data/report, and for the table of data/metrics, by file name."""
    figures = sorted((reported / outputs.FIGURES).glob("*.svg"))
    bodies = {path.stem: path.read_text(encoding="utf-8") for path in figures}
    table = html.escape((numbers / outputs.TABLE).read_text(encoding="utf-8"), quote=False)
    bodies["table"] = f'<pre style="white-space: pre-wrap; max-width: 90ch">\n{table}</pre>\n'
    return {f"{name}.html": _PAGE.format(title=html.escape(name), body=body) for name, body in bodies.items()}


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
