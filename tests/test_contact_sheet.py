"""contact_sheet: rows of small pictures, each with its caption."""

from pathlib import Path

import numpy as np
from huskies import contact_sheet, images
from huskies.contact_sheet import SIDE, SPACE
from PIL import Image


def write_image(path: Path, colour: tuple[int, int, int], height: int = 8, width: int = 8) -> Path:
    Image.new("RGB", (width, height), colour).save(path)
    return path


def test_images_stand_in_rows_behind_their_captions_scaled_to_squares(tmp_path):
    red = write_image(tmp_path / "red.png", (255, 0, 0))
    blue = write_image(tmp_path / "blue.png", (0, 0, 255), height=200, width=30)
    contact_sheet.write([("first", [red, blue]), ("second", [blue])], tmp_path / "sheet.png")
    sheet = images.decode((tmp_path / "sheet.png").read_bytes())
    assert sheet.shape[0] == 2 * (SIDE + SPACE)
    upper, lower = sheet[:SIDE], sheet[SIDE + SPACE : 2 * SIDE + SPACE]
    assert (upper[:, -2 * SIDE : -SIDE] == (255, 0, 0)).all()
    assert (upper[:, -SIDE:] == (0, 0, 255)).all()
    assert (lower[:, -2 * SIDE : -SIDE] == (0, 0, 255)).all()
    assert (lower[:, -SIDE:] == 255).all()
    assert (sheet[SIDE : SIDE + SPACE] == 255).all()


def test_a_caption_is_never_covered_by_the_images(tmp_path):
    black = write_image(tmp_path / "black.png", (0, 0, 0))
    for caption in ("short", "a very long caption in the first line\nand °, % and more in the second"):
        contact_sheet.write([(caption, [black])], tmp_path / "sheet.png")
        written = images.decode((tmp_path / "sheet.png").read_bytes())[:, :-SIDE]
        dark = np.flatnonzero((written < 128).any(axis=(0, 2)))
        assert dark.min() >= SPACE
        assert dark.max() < written.shape[1] - SPACE // 2
