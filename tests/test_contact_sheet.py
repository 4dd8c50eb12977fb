"""contact_sheet: rows of small pictures, each row and each picture with its caption."""

import io

import numpy as np
from huskies.images import codec, contact_sheet
from huskies.images.contact_sheet import SPACE, Picture, Row

SIDE = 64
RED, BLUE = (250, 0, 0), (0, 0, 250)


def jpeg(colour: tuple[int, int, int], height: int = 8, width: int = 8) -> bytes:
    return codec.encode(np.full((height, width, 3), colour, np.uint8), 100)


def drawn(*rows: Row, side: int = SIDE) -> np.ndarray:
    return codec.decode(contact_sheet.draw(rows, side)).astype(int)


def near(pixels: np.ndarray, colour: tuple[int, int, int]) -> bool:
    return pixels.size > 0 and bool(np.abs(pixels - colour).max() <= 3)


def test_pictures_stand_in_rows_behind_the_caption_each_within_a_square(tmp_path):
    sheet = drawn(
        Row("first", [Picture("", jpeg(RED)), Picture("", jpeg(BLUE))]), Row("second", [Picture("", jpeg(BLUE))])
    )
    assert sheet.shape[0] == 2 * (SIDE + 2 * SPACE)
    upper, lower = sheet[SPACE : SPACE + SIDE], sheet[3 * SPACE + SIDE : 3 * SPACE + 2 * SIDE]
    first, second = slice(-2 * (SIDE + SPACE), -SIDE - 2 * SPACE), slice(-SIDE - SPACE, -SPACE)
    assert near(upper[:, first], RED)
    assert near(upper[:, second], BLUE)
    assert near(lower[:, first], BLUE)
    assert (lower[:, second] == 255).all()


def test_a_picture_keeps_its_aspect_and_one_that_is_not_there_is_grey():
    sheet = drawn(Row("x", [Picture("", jpeg(RED, height=32, width=64)), Picture("", None)]))[SPACE : SPACE + SIDE]
    flat = sheet[:, -2 * (SIDE + SPACE) : -SIDE - 2 * SPACE]
    assert near(flat[18:46], RED)
    assert (flat[:16] == 255).all()
    assert (sheet[:, -SIDE - SPACE : -SPACE] == 211).all()


def test_a_caption_is_never_covered_however_long_it_is():
    black = jpeg((0, 0, 0))
    long = "a very long caption in the first line, which goes on in the next\n" + 100 * "W"
    for row in (Row("short", [Picture("", black)]), Row(long, [Picture("", black)]), Row(long, [])):
        sheet = drawn(row)
        written = sheet[:, : sheet.shape[1] - len(row.pictures) * (SIDE + SPACE) - SPACE // 2]
        rows, columns = np.nonzero((written < 128).any(axis=2))
        assert (rows.min(), columns.min()) >= (SPACE, SPACE)
        assert rows.max() < len(sheet) - SPACE // 2
        assert columns.max() < written.shape[1] - SPACE // 4


def test_a_caption_below_a_picture_makes_room_for_itself():
    plain, said = (drawn(Row("x", [Picture(each, jpeg(RED)), Picture("", jpeg(RED))])) for each in ("", 30 * "m"))
    assert said.shape[0] > plain.shape[0]
    assert said.shape[1] > plain.shape[1] + 2 * SIDE
    below = said[SPACE + SIDE + 2 : -SPACE]
    assert (below < 128).any()


def test_the_same_rows_give_the_same_png():
    rows = [Row("é 5 °", [Picture("20 %", jpeg(BLUE))])]
    png = contact_sheet.draw(rows, SIDE)
    assert png == contact_sheet.draw(rows, SIDE)
    with contact_sheet.Image.open(io.BytesIO(png)) as found:
        assert (found.format, found.info) == ("PNG", {})
