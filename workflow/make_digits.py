"""Write the handwritten digits that ship with scikit-learn as PNG files in class folders: `data/digits`.

Run as `python workflow/make_digits.py data/digits`. The files are in the repository; this script says where they
come from. The 8 × 8 pixels of 17 levels are enlarged to 32 × 32, so that small shifts and turns have pixels to move.
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

SIDE = 32


def enlarge(digit: np.ndarray) -> Image.Image:
    """Return a digit, float 8 × 8 of 0 to 16, as a grey picture of SIDE × SIDE, dark ink on white paper."""
    paper = np.round(255 - digit * 255 / 16).astype(np.uint8)
    return Image.fromarray(paper).resize((SIDE, SIDE), Image.Resampling.BICUBIC)


def main(folder: Path) -> None:
    """Write `<folder>/<digit>/<number>.png` for all 1 797 digits."""
    digits = load_digits()
    for number, (pixels, digit) in enumerate(zip(digits.images, digits.target, strict=True)):
        path = folder / str(digit) / f"{number:04}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        enlarge(pixels).save(path, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
