"""preprocessing: what is said of a network in a file, by whom, and what follows where it is not."""

import pytest
from conftest import BACKBONE
from huskies.backbone import preprocessing
from huskies.errors import HuskyError


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
