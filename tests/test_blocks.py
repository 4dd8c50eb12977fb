"""Tests of which layers `backbone.layer: auto` takes."""

import keras
import numpy as np
import pytest
from conftest import USES_KERAS
from huskies.backbone import blocks, network

pytestmark = USES_KERAS
# Architectures of every family: how many blocks, whether something wider follows, and the widths that are chosen.
FAMILIES = {
    "MobileNet": (13, False, [64, 128, 256, 512, 512, 512, 1024]),
    "MobileNetV2": (17, True, [16, 24, 32, 64, 64, 96, 96, 160, 320, 1280]),
    "MobileNetV3Small": (11, True, [16, 24, 40, 48, 96, 96, 576]),
    "EfficientNetB0": (16, True, [24, 40, 80, 80, 112, 192, 192, 320, 1280]),
    "EfficientNetV2B0": (21, True, [16, 32, 48, 96, 112, 112, 112, 192, 192, 192, 192, 1280]),
    "ResNet50": (16, False, [256, 512, 1024, 2048]),
    "ResNet50V2": (16, False, [256, 512, 1024, 2048]),
    "ConvNeXtTiny": (18, False, [96, 192, 192, 384, 384, 384, 384, 768, 768]),
    "DenseNet121": (58, False, [192, 512, 576, 896, 704, 1024]),
    "InceptionV3": (11, False, [288, 768, 768, 2048]),
    "Xception": (14, False, [128, 728, 728, 2048]),
    "VGG16": (5, False, [64, 256, 512]),
    "NASNetMobile": (0, True, [1056]),
}


def build(name: str):
    return getattr(keras.applications, name)(weights=None, include_top=False, input_shape=(96, 96, 3))


@pytest.mark.parametrize(
    "name", [pytest.param(each, marks=() if each.startswith("Mobile") else pytest.mark.long) for each in FAMILIES]
)
def test_every_second_block_from_the_last_one_down(name):
    base = build(name)
    ends, output = blocks.outputs(base)
    assert (len(ends), bool(output)) == FAMILIES[name][:2]
    assert (output or ends)[-1] is base.output
    assert [each.shape[-1] for each in blocks.chosen(ends, output)] == FAMILIES[name][2]


def test_a_block_ends_after_its_addition():
    base = build("MobileNetV2")
    ends, _ = blocks.outputs(base)
    names = {id(each.output): each.name for each in base.layers}
    assert [names[id(each)] for each in ends][:4] == [
        "expanded_conv_project_BN", "block_1_project_BN", "block_2_add", "block_3_project_BN",
    ]  # fmt: skip


def test_the_features_are_those_of_the_blocks_one_after_the_other():
    parameters = {"name": "MobileNet", "arguments": {"alpha": 0.5}, "weights": "mini.weights.h5", "input_size": 32}
    names = [f"conv_pw_{number}_relu" for number in range(1, 14, 2)]
    pixels = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), np.uint8)
    found, expected = (network.trace({**parameters, "layer": layer}, 2)[0](pixels).numpy() for layer in ("auto", names))
    assert found.shape == (2, 1504)
    assert found.tobytes() == expected.tobytes()
    assert network.widths({**parameters, "layer": "auto"}) == [32, 64, 128, 256, 256, 256, 512]
