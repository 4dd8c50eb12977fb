"""square: a photo is squashed, cut or padded to the side that the backbone sees."""

import hypothesis
import hypothesis.strategies as st
import numpy as np
from conftest import BACKBONE
from huskies.backbone import square as made
from huskies.images import codec

sides = st.integers(32, 60)


def square(pixels: np.ndarray, side: int, **chosen) -> np.ndarray:
    return made.fit({"preprocessing": {"scale": 1.0, **chosen}})(pixels, side)


def photo(height: int, width: int) -> np.ndarray:
    """Return an image of three upright bars, red, green and blue."""
    pixels = np.zeros((height, width, 3), np.uint8)
    for number in range(3):
        pixels[:, number * width // 3 : (number + 1) * width // 3, number] = 200
    return pixels


def test_by_default_a_photo_is_squashed_as_ever():
    pixels = photo(40, 90)
    expected = codec.resize(pixels, 32)
    assert (made.fit(BACKBONE)(pixels, 32) == expected).all()
    assert (square(pixels, 32) == expected).all()


def test_a_crop_is_the_middle_at_its_own_aspect():
    found = square(photo(40, 120), 40, resize="crop")
    assert found.shape == (40, 40, 3)
    assert (found == [0, 200, 0]).all()


def test_a_crop_of_a_longer_side_leaves_a_margin_on_all_four():
    pixels = np.zeros((64, 64, 3), np.uint8)
    pixels[8:56, 8:56] = 255
    assert (square(pixels, 32, resize="crop", shorter_side=48, interpolation="nearest")[1:-1, 1:-1] == 255).all()


def test_padding_keeps_all_of_the_photo_between_bars_of_what_the_network_takes_for_zero():
    found = square(photo(20, 60), 60, resize="pad", scale=1 / 255, mean=[0.5, 0.25, 0.0])
    assert (found[20:40] == photo(20, 60)).all()
    assert (found[:20] == [128, 64, 0]).all()
    assert (found[40:] == [128, 64, 0]).all()
    turned = square(photo(20, 60), 60, resize="pad", scale=1 / 255, mean=[0.5, 0.25, 0.0], channels="bgr")
    assert (turned[0] == [0, 64, 128]).all()


@hypothesis.given(
    height=st.integers(1, 300), width=st.integers(1, 300), side=sides, way=st.sampled_from(["crop", "pad"])
)
def test_any_photo_becomes_a_square(height, width, side, way):
    found = square(np.full((height, width, 3), 7, np.uint8), side, resize=way)
    assert (found.shape, found.dtype) == ((side, side, 3), np.uint8)


def test_the_interpolation_is_that_of_its_name():
    pixels = photo(40, 90)
    found = {each: square(pixels, 32, interpolation=each).tobytes() for each in made._KERNELS}
    assert len(set(found.values())) == 4
    assert set(np.frombuffer(found["nearest"], np.uint8)) == {0, 200}
