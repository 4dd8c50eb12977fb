"""Contact sheets: small pictures in rows, each row with a caption at its left and each picture with one below it."""

import io
import textwrap
from collections.abc import Sequence
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

# In pixels: the space around pictures and captions, and the height of letters. Longer lines than WIDEST letters go on
# in the next line.
SPACE, LETTER, WIDEST = 8, 13, 40


class Picture(NamedTuple):
    """A few words, and an image as JPEG bytes, or None for one that is not there."""

    caption: str
    jpeg: bytes | None


class Row(NamedTuple):
    """Pictures that belong side by side, and what is said of them all, in one line or several."""

    caption: str
    pictures: list[Picture]


def draw(rows: Sequence[Row], side: int) -> bytes:
    """Return the rows as a PNG, each picture within side × side with its aspect kept, grey where it is not there.

    Captions are in Latin letters: the font that Pillow brings along has no others.
    """
    font = ImageFont.load_default(LETTER)
    rows = [Row(_wrapped(row.caption), row.pictures) for row in rows]
    pen = ImageDraw.Draw(Image.new("RGB", (1, 1)))

    def size(text: str) -> tuple[int, int]:
        *_, right, bottom = pen.multiline_textbbox((0, 0), text, font) if text else (0, 0)
        return round(right), round(bottom)

    margin = max(size(row.caption)[0] for row in rows) + 2 * SPACE
    cell = max([side, *(size(picture.caption)[0] for row in rows for picture in row.pictures)]) + SPACE
    heights = []
    for row in rows:
        below = max((size(picture.caption)[1] for picture in row.pictures), default=0)
        pictures = side + below if row.pictures else 0
        heights.append(max(size(row.caption)[1], pictures) + 2 * SPACE)
    columns = max(len(row.pictures) for row in rows)
    sheet = Image.new("RGB", (margin + columns * cell, sum(heights)), "white")
    pen = ImageDraw.Draw(sheet)
    top = SPACE
    for row, height in zip(rows, heights, strict=True):
        pen.multiline_text((SPACE, top), row.caption, "black", font)
        for column, picture in enumerate(row.pictures):
            left = margin + column * cell
            # A frame, since pictures may be as white as the sheet.
            pen.rectangle((left - 1, top - 1, left + side, top + side), outline="lightgrey")
            sheet.paste(_square(picture.jpeg, side), (left, top))
            pen.multiline_text((left, top + side + 1), picture.caption, "black", font)
        top += height
    png = io.BytesIO()
    sheet.save(png, "PNG")
    return png.getvalue()


def _wrapped(text: str) -> str:
    return "\n".join(textwrap.fill(line, WIDEST) for line in text.splitlines())


def fitted(image: Image.Image, side: int) -> Image.Image:
    """Return the image with its longer side as `side` pixels, bicubic; the aspect is kept as far as pixels allow."""
    scale = side / max(image.size)
    size = [max(1, round(each * scale)) for each in image.size]
    return image.resize(size, Image.Resampling.BICUBIC)


def _square(jpeg: bytes | None, side: int) -> Image.Image:
    if jpeg is None:
        return Image.new("RGB", (side, side), "lightgrey")
    with Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as image:
        small = fitted(image.convert("RGB"), side)
    square = Image.new("RGB", (side, side), "white")
    square.paste(small, ((side - small.width) // 2, (side - small.height) // 2))
    return square
