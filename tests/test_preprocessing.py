"""preprocessing: the square that a photo becomes, and what belongs to which kind of network."""

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
from conftest import BACKBONE
from huskies.backbone import preprocessing
from huskies.errors import HuskyError
from huskies.images import codec

sides = st.integers(32, 60)


def square(pixels: np.ndarray, side: int, **chosen) -> np.ndarray:
    return preprocessing.fit({"preprocessing": {"scale": 1.0, **chosen}})(pixels, side)


def photo(height: int, width: int) -> np.ndarray:
    """Return an image of three upright bars, red, green and blue."""
    pixels = np.zeros((height, width, 3), np.uint8)
    for number in range(3):
        pixels[:, number * width // 3 : (number + 1) * width // 3, number] = 200
    return pixels


def test_by_default_a_photo_is_squashed_as_ever():
    pixels = photo(40, 90)
    expected = codec.resize(pixels, 32)
    assert (preprocessing.fit(BACKBONE)(pixels, 32) == expected).all()
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
    found = {each: square(pixels, 32, interpolation=each).tobytes() for each in preprocessing._KERNELS}
    assert len(set(found.values())) == 4
    assert set(np.frombuffer(found["nearest"], np.uint8)) == {0, 200}


def section(**given) -> dict:
    return {"weights": "net.onnx", "input_size": None, **given}


def test_own_values_go_before_the_presets_and_these_before_the_defaults():
    preset = {"preprocessing": {"scale": 0.5, "resize": "crop", "mean": [1, 2, 3]}, "output": "a", "pooling": "cls"}
    found = preprocessing.resolved(section(preprocessing={"resize": "pad", "side": None}, pooling="mean"), preset)
    assert found["preprocessing"] == preprocessing.DEFAULTS | {
        "scale": 0.5,
        "resize": "pad",
        "mean": [1.0, 2.0, 3.0],
    }
    assert (found["output"], found["pooling"]) == ("a", "mean")


def test_the_input_size_is_the_side():
    found = preprocessing.resolved(section(input_size=64), {"preprocessing": {"scale": 1, "side": 224}})
    assert found["preprocessing"]["side"] == 64


def test_a_network_that_nothing_is_said_of_is_refused():
    with pytest.raises(HuskyError) as error:
        preprocessing.resolved(section(), {})
    assert str(error.value) == (
        "backbone.preprocessing: nothing says how net.onnx wants its pixels. Set scale (1.0 for 0 to 255, "
        "0.00392156862745098 for 0 to 1), mean and std in params.yaml, or set backbone.name to a preset of "
        "backbones/presets.yaml."
    )


def test_two_sides_are_refused():
    with pytest.raises(HuskyError) as error:
        preprocessing.resolved(section(input_size=64, preprocessing={"side": 96, "scale": 1.0}), {})
    assert str(error.value) == (
        "backbone.input_size is 64, and backbone.preprocessing.side is 96, of net.onnx. Set one of them in "
        "params.yaml, and leave the other empty."
    )


@pytest.mark.parametrize(
    ("backbone", "pixels"),
    [
        (BACKBONE, 32),
        (BACKBONE | {"input_size": None}, 224),
        (BACKBONE | {"name": "InceptionV3", "input_size": None}, 299),
        (BACKBONE | {"preprocessing": {"resize": "crop", "shorter_side": 256}}, 256),
        (section(preprocessing={"side": 518}), 518),
        (section(preprocessing={"side": None}), None),
    ],
)
def test_how_many_pixels_a_backbone_sees(backbone, pixels):
    assert preprocessing.pixels_seen(backbone) == pixels
