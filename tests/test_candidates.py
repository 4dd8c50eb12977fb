"""candidates: what a candidate leaves out, and what each is called."""

import pytest
from conftest import BACKBONE
from huskies.backbone import candidates

FULL = {**BACKBONE, "preprocessing": None, "output": None, "pooling": None}


def test_a_candidate_of_the_same_network_has_the_rest_from_the_present_one():
    [found] = candidates.complete(FULL, [{"layer": "auto"}])
    assert found == {**FULL, "layer": "auto"}


def test_a_candidate_with_a_network_of_its_own_begins_anew_on_the_same_engine():
    [found] = candidates.complete(FULL, [{"name": "MobileNetV2", "input_size": 224}])
    assert found == {
        "name": "MobileNetV2",
        "arguments": {},
        "weights": "imagenet",
        "layer": "auto",
        "input_size": 224,
        "preprocessing": None,
        "output": None,
        "pooling": None,
        "engine": "openvino",
        "precision": "float32",
    }


@pytest.mark.parametrize(
    ("section", "name"),
    [
        ({}, "MobileNet, alpha 0.5, mini.weights.h5, 32, last layer"),
        ({"layer": "auto"}, "MobileNet, alpha 0.5, mini.weights.h5, 32, several layers"),
        ({"layer": ["a", "b"]}, "MobileNet, alpha 0.5, mini.weights.h5, 32, a+b"),
        (
            {"name": "MobileNetV2", "arguments": {}, "weights": "imagenet", "input_size": None},
            "MobileNetV2, last layer",
        ),
        ({"name": None, "arguments": {}, "weights": "net.onnx", "input_size": None}, "net.onnx, last layer"),
        (
            {"name": "dinov2-small", "arguments": {}, "weights": "d.onnx", "layer": "auto", "input_size": None},
            "dinov2-small, d.onnx, several layers",
        ),
    ],
)
def test_a_candidate_is_called_by_what_tells_it_from_others(section, name):
    assert candidates.named([{**FULL, **section}]) == [name]


def test_no_two_have_one_name():
    found = candidates.named([FULL, FULL, {**FULL, "layer": "auto"}, FULL])
    first = "MobileNet, alpha 0.5, mini.weights.h5, 32, last layer"
    assert found == [first, f"{first} (2)", first.replace("last layer", "several layers"), f"{first} (3)"]


@pytest.mark.usefixtures("in_project")
def test_a_licence_is_that_of_the_preset_or_of_what_the_project_knows():
    assert candidates.licence({**FULL, "name": "dinov2-small", "weights": "d.onnx"}) == "Apache-2.0"
    assert candidates.licence(FULL) == "research, as Tiny ImageNet"
    assert candidates.licence({**FULL, "weights": "mine.h5"}) == "not known"
