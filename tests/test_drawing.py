"""drawing: a picture in the style of the page, whatever the user's own is, with the same bytes every time."""

import io

import matplotlib
import numpy as np
from huskies.page.drawing import INK, UNITS, drawing, to_png
from PIL import Image


def picture(text: str = "points") -> bytes:
    with drawing(2 * UNITS, UNITS) as figure:
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], "o-", color=INK)
        axes.set_title(text)
        return to_png(figure)


def test_a_picture_is_black_on_white_and_has_150_dots_for_each_inch():
    with Image.open(io.BytesIO(picture())) as image:
        assert image.size == (300, 150)
        pixels = np.asarray(image.convert("L"))
    assert pixels[0, 0] == 255
    assert pixels.min() < 5


def test_the_bytes_are_the_same_whatever_the_users_own_style_is():
    first = picture()
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "red", "savefig.facecolor": "red"}):
        assert picture() == first


def test_a_dollar_is_a_letter():
    # As mathematics, this would be an error.
    assert picture("$x^$") != picture("x^")
