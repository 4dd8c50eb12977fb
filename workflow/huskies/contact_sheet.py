"""Contact sheets: small pictures of images in rows, each row with a caption."""

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from huskies import images

# In pixels: the side of an image, the space between rows and around captions, and the height of a letter.
SIDE, SPACE, LETTER = 64, 8, 14


def write(rows: Sequence[tuple[str, Sequence[Path]]], path: Path) -> None:
    """Write a PNG with a row for each (caption, image files), captions at the left, images SIDE × SIDE.

    Captions may have several lines, in Latin letters: the font that Pillow brings along has no others.
    """
    font = ImageFont.load_default(LETTER)
    lines = [line for caption, _ in rows for line in caption.splitlines()]
    margin = max(round(font.getlength(line)) for line in lines) + 2 * SPACE
    width = margin + SIDE * max(len(files) for _, files in rows)
    sheet = Image.new("RGB", (width, len(rows) * (SIDE + SPACE)), "white")
    pen = ImageDraw.Draw(sheet)
    for row, (caption, files) in enumerate(rows):
        top = row * (SIDE + SPACE)
        pen.multiline_text((SPACE, top + SPACE), caption, "black", font)
        for column, file in enumerate(files):
            pixels = images.resize(images.decode(file.read_bytes()), SIDE)
            sheet.paste(Image.fromarray(pixels), (margin + column * SIDE, top))
    sheet.save(path)
