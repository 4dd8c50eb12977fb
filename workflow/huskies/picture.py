"""Pairs of images side by side, with their names, in one picture."""

import io
from pathlib import Path

import pandas as pd
from PIL import Image, ImageDraw, ImageFont, ImageOps

from huskies import whole

_SIDE, _GAP, _TEXT = 128, 8, 20
_MOST = 20


def pairs(leaks: pd.DataFrame, folders: list[Path]) -> Image.Image:
    """Return a picture of the first 20 pairs of leaks.csv: the training image, the held-out one, and why below them.

    folders: where the files are, in the order of looking. What is in none of them is left grey.
    """
    rows = leaks.head(_MOST).to_dict("records")
    font = ImageFont.load_default(12)
    captions = [[row["file"], row["held_out"], f"{row['reason']} {row['similarity']}"] for row in rows]
    widest = max(font.getlength(line) for lines in captions for line in lines)
    width = max(2 * _SIDE + 3 * _GAP, round(widest) + 2 * _GAP)
    height = _SIDE + 3 * _TEXT + 2 * _GAP
    sheet = Image.new("RGB", (width, height * len(rows)), "white")
    draw = ImageDraw.Draw(sheet)
    for number, (row, lines) in enumerate(zip(rows, captions, strict=True)):
        top = number * height + _GAP
        for place, column in enumerate(("file", "held_out")):
            sheet.paste(_image(row[column], folders), (_GAP + place * (_SIDE + _GAP), top))
        for place, line in enumerate(lines):
            draw.text((_GAP, top + _SIDE + place * _TEXT), line, "black", font)
    return sheet


def _image(file: str, folders: list[Path]) -> Image.Image:
    square = Image.new("RGB", (_SIDE, _SIDE), "lightgrey")
    found = [folder / file for folder in folders if file and (folder / file).is_file()]
    if found:
        with Image.open(found[0]) as image:
            fitted = ImageOps.contain(image.convert("RGB"), (_SIDE, _SIDE))
        square.paste(fitted, ((_SIDE - fitted.width) // 2, (_SIDE - fitted.height) // 2))
    return square


def write_whole(image: Image.Image, path: Path) -> Path:
    """Write a PNG that is there as a whole or not at all; return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = io.BytesIO()
    image.save(content, "PNG")
    whole.write(path, content.getvalue())
    return path
