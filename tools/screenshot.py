"""The top of the report page as a picture, docs/page.png: snakemake report && python tools/screenshot.py.

It needs Debian's chromium and fonts-dejavu-core.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

PROJECT = Path(__file__).parent.parent
PAGE = PROJECT / "data/report/report.html"
PICTURE = PROJECT / "docs/page.png"
WIDTH, HEIGHT = 1200, 915
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--host-resolver-rules=MAP * ~NOTFOUND")


def main() -> None:
    """Take the picture, with as few colours as it needs to stay small."""
    if not PAGE.is_file():
        sys.exit(f"there is no {PAGE}. Make it: snakemake report")
    with tempfile.TemporaryDirectory() as folder:
        taken = Path(folder, "page.png")
        options = [*FLAGS, f"--user-data-dir={folder}", f"--screenshot={taken}", f"--window-size={WIDTH},{HEIGHT}"]
        subprocess.run(["chromium", *options, PAGE.as_uri()], check=True, capture_output=True)
        with Image.open(taken) as picture:
            picture.convert("RGB").quantize(64, dither=Image.Dither.NONE).save(PICTURE, optimize=True)


if __name__ == "__main__":
    main()
