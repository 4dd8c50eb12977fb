"""Pictures of two pages for the docs: the report, docs/page.png, and the classifier on a phone, docs/classifier.png.

    snakemake --cores 8 report export
    PYTHONPATH=workflow:tests/support python tools/screenshot.py

It needs Debian's chromium and fonts-dejavu-core, and the packages of requirements/browser.txt.
"""

import io
import sys
from pathlib import Path

import browser
from PIL import Image

PROJECT = Path(__file__).parent.parent
DOCS = PROJECT / "docs"
REPORT = (1200, 915)
# A few of each class that are easily mixed up, and a picture that is no digit.
SHOWN = [*(f"data/digits/{digit}" for digit in (3, 8, 9)), "docs/sweep.png"]


def report(visit: browser.Visit) -> Image.Image:
    """Return the top of the report."""
    return _picture(visit.page.screenshot())


def classifier(visit: browser.Visit) -> Image.Image:
    """Return the page of the classifier, all of it, with some photos answered."""
    photos = [path if path.is_file() else min(path.iterdir()) for path in map(PROJECT.__truediv__, SHOWN)]
    visit.page.set_input_files("#choose", photos)
    visit.page.locator("#answers > li[data-label]").nth(len(photos) - 1).wait_for()
    return _picture(visit.page.screenshot(full_page=True))


PICTURES = {
    "page.png": ("data/report/report.html", REPORT, report),
    "classifier.png": ("data/export/classifier.html", browser.PHONE, classifier),
}


def _picture(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content)).convert("RGB")


def main() -> None:
    """Take the pictures, with as few colours as they need to stay small."""
    with browser.chromium() as chromium:
        for name, (page, size, take) in PICTURES.items():
            if not (PROJECT / page).is_file():
                sys.exit(f"there is no {page}. Make it: snakemake --cores 8 report export")
            with browser.visit(chromium, PROJECT / page, size=size) as visit:
                take(visit).quantize(64, dither=Image.Dither.NONE).save(DOCS / name, optimize=True)


if __name__ == "__main__":
    main()
