"""keras_hub_preset: a preset of KerasHub is a network in a file, with the features and the pixels of KerasHub."""

import importlib.metadata
import json
from pathlib import Path

import numpy as np
import pytest
from conftest import USES_KERAS
from huskies.backbone import keras_hub_preset, presets
from huskies.errors import HuskyError
from networks import backbone, computed, pictures, seen

pytestmark = [*USES_KERAS, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

SIDE = 56
SCALE, OFFSET = [0.02, 0.01, 0.04], [-2.0, 0.0, 1.0]
CONVERTER = {
    "image_size": [SIDE, SIDE],
    "scale": SCALE,
    "offset": OFFSET,
    "interpolation": "bicubic",
    "crop_to_aspect_ratio": True,
}


@pytest.fixture(autouse=True)
def _workspace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("backbones/dino").mkdir(parents=True)
    Path("backbones/presets.yaml").write_text("{}\n")


def describe(name: str = "config.json", **content) -> None:
    Path("backbones/dino", name).write_text(json.dumps({"registered_name": "keras_hub>DINOV2Backbone", **content}))


def refusal(**given) -> str:
    def read() -> None:
        section = backbone(**{"weights": "dino", "prepared": {"scale": None}, "input_size": None} | given)
        keras_hub_preset.read(Path("backbones", section["weights"]))

    with pytest.raises(HuskyError) as error:
        read()
    return str(error.value)


def test_pixels_are_prepared_as_its_converter_says():
    describe()
    describe("image_converter.json", config=CONVERTER)
    found = backbone("dino", {"scale": None}, name="keras_hub:dino", input_size=None)["preprocessing"]
    pixels = np.array([10.0, 100.0, 250.0])
    prepared = (pixels * found["scale"] - found["mean"]) / found["std"]
    assert prepared == pytest.approx(pixels * SCALE + OFFSET)
    assert (found["side"], found["resize"], found["interpolation"]) == (SIDE, "crop", "bicubic")


@pytest.mark.parametrize(
    ("config", "resize"),
    [
        ({}, "squash"),
        ({"crop_to_aspect_ratio": False, "pad_to_aspect_ratio": True}, "pad"),
        ({"crop_to_aspect_ratio": True}, "crop"),
    ],
)
def test_one_number_is_for_all_channels_and_what_is_not_said_changes_nothing(config, resize):
    describe("image_converter.json", config={"scale": 0.5, **config})
    found = keras_hub_preset.preprocessing(Path("backbones/dino"))
    assert found == {
        "side": None,
        "resize": resize,
        "interpolation": "bilinear",
        "scale": 1.0,
        "mean": [0.0] * 3,
        "std": [2.0] * 3,
    }


def test_what_params_say_goes_before_the_converter_and_without_one_they_must_say_it():
    describe()
    with pytest.raises(HuskyError, match="nothing says how dino wants its pixels"):
        backbone("dino", {"scale": None}, name="keras_hub:dino", input_size=None)
    describe("image_converter.json", config=CONVERTER)
    assert backbone("dino", {"resize": "pad"}, input_size=None)["preprocessing"]["resize"] == "pad"


@pytest.mark.parametrize("weights", ["imagenet", "dino2", "own.onnx"])
def test_a_preset_whose_files_are_not_there_is_told_where_they_belong(weights):
    Path("backbones/own.onnx").write_bytes(b"")
    assert refusal(name="keras_hub:dinov2_small", weights=weights) == (
        "params.yaml: backbone.name: keras_hub:dinov2_small needs the files of that preset of KerasHub. Get them "
        "(docs/backbones.md), put them into backbones/dinov2_small, and set backbone.weights to dinov2_small."
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "backbone.weights: backbones/dino/config.json cannot be read: "),
        ("[]", "backbone.weights: backbones/dino/config.json holds no configuration. Get it again."),
        (
            '{"registered_name": "package>Backbone"}',
            "backbone.weights: backbones/dino/config.json is of no network of KerasHub. Get it again.",
        ),
    ],
)
def test_another_configuration_is_refused_and_nothing_of_it_is_run(content, said):
    describe("image_converter.json", config=CONVERTER)
    Path("backbones/dino/config.json").write_text(content)
    assert refusal().startswith(said)


@pytest.mark.parametrize(("installed", "found"), [("0.1", "and 0.1 is installed"), (None, "which is not installed")])
def test_another_keras_hub_or_none_is_refused(monkeypatch, installed, found):
    def version(library: str) -> str:
        if installed is None:
            raise importlib.metadata.PackageNotFoundError(library)
        return installed

    describe()
    describe("image_converter.json", config=CONVERTER)
    monkeypatch.setattr(importlib.metadata, "version", version)
    assert refusal() == (
        f"backbone.weights: backbones/dino needs keras-hub {keras_hub_preset.KERAS_HUB}, {found}. "
        "Install it: pip install -r requirements/keras_hub.txt"
    )


@pytest.mark.long
@pytest.mark.parametrize("registers", [0, 4])
def test_features_are_those_of_keras_hub(tmp_path, registers):
    import keras
    import keras_hub

    keras.utils.set_random_seed(1)
    size = {"patch_size": 14, "num_layers": 4, "hidden_dim": 48, "num_heads": 3, "intermediate_dim": 96}
    network = keras_hub.models.DINOV2Backbone(**size, image_shape=(SIDE, SIDE, 3), num_register_tokens=registers)
    network.save_to_preset("backbones/dino")
    keras_hub.layers.DINOV2ImageConverter(**CONVERTER).save_to_preset("backbones/dino")
    section = backbone("dino", {"scale": None}, name="keras_hub:dino", input_size=None, pooling="cls+mean")
    assert presets.settle(section) == section
    prepared = seen(pictures(), section, SIDE) * np.array(SCALE) + OFFSET
    tokens = np.asarray(network({"images": prepared.astype(np.float32)}))
    expected = np.concatenate([tokens[:, 0], tokens[:, 1 + registers :].mean(axis=1)], axis=1)
    found = computed(section, pictures(), tmp_path)
    assert found.shape == (5, 96)
    cosine = (found * expected).sum(axis=1) / np.linalg.norm(found, axis=1) / np.linalg.norm(expected, axis=1)
    assert cosine.min() > 0.9999
    several = computed({**section, "layer": "auto"}, pictures(), tmp_path)
    assert several.shape[1] > 96
