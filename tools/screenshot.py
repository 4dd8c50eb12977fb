"""Pictures of pages for the docs: the report, and the classifier on a desktop and on a phone.

    snakemake --cores 8 report export
    python tools/screenshot.py [page.png classifier.png classifier_on_a_phone.png]

It needs Debian's chromium and fonts-dejavu-core, and the packages of requirements/browser.txt.
"""

import io
import sys
from pathlib import Path

from PIL import Image

sys.path.insert(0, str(Path(__file__).parent.parent / "tests/support"))
import browser

PROJECT = Path(__file__).parent.parent
DOCS = PROJECT / "docs"
REPORT = (1200, 915)
# A digit that is easily taken for another, and a picture that is no digit.
SHOWN = ["data/digits/9/0009.png", "docs/sweep.png"]


def report(visit: browser.Visit) -> Image.Image:
    """Return the top of the report."""
    return _picture(visit.page.screenshot())


def classifier(visit: browser.Visit) -> Image.Image:
    """Return the page of the classifier, all of it, with the photos answered."""
    visit.page.set_input_files("#choose", [PROJECT / each for each in SHOWN])
    visit.page.locator("#answers > li[data-label]").nth(len(SHOWN) - 1).wait_for()
    return _picture(visit.page.screenshot(full_page=True))


PICTURES = {
    "page.png": ("data/report/report.html", REPORT, report),
    "classifier.png": ("data/export/classifier.html", browser.DESKTOP, classifier),
    "classifier_on_a_phone.png": ("data/export/classifier.html", browser.PHONE, classifier),
}


def _picture(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content)).convert("RGB")


def main() -> None:
    """Take the pictures that are named, or all, with as many colours as a small file holds."""
    with browser.chromium() as chromium:
        for name in sys.argv[1:] or PICTURES:
            page, size, take = PICTURES[name]
            if not (PROJECT / page).is_file():
                sys.exit(f"there is no {page}. Make it: snakemake --cores 8 report export")
            with browser.visit(chromium, PROJECT / page, size=size) as visit:
                take(visit).quantize(255, dither=Image.Dither.NONE).save(DOCS / name, optimize=True)


if __name__ == "__main__":
    main()
