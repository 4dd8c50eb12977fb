"""presets: what a name adds to a network in a file, and which keys belong to which kind of network."""

import hashlib
import json
from pathlib import Path

import pytest
from conftest import BACKBONE, PROJECT
from huskies.backbone import presets
from huskies.errors import HuskyError
from huskies.planning import params
from jsonschema import Draft202012Validator
from networks import put

FILE = {"name": None, "arguments": {}, "weights": "row.onnx", "layer": None, "input_size": None, "engine": "auto"}
SCALED = {"preprocessing": {"scale": 1.0}}


@pytest.fixture(autouse=True)
def _workspace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    put("row.onnx")
    Path("backbones/presets.yaml").write_bytes((PROJECT / "backbones/presets.yaml").read_bytes())


def refusal(section: dict) -> str:
    with pytest.raises(HuskyError) as error:
        presets.settle(section)
    return str(error.value)


def test_the_presets_are_those_that_people_use_each_with_source_and_licence():
    known = presets.read()
    assert {"dinov2-small", "dinov2-base", "dinov3-vits16", "siglip2-base", "clip-vit-b32"} <= set(known)
    for preset in known.values():
        assert preset["source"].startswith("https://")
        assert preset["licence"]
        assert set(preset) == {"source", "licence", "sha256", "output", "pooling", "preprocessing"}


def test_every_preset_is_what_params_yaml_could_say():
    schema = json.loads((PROJECT / params.SCHEMA).read_text(encoding="utf-8"))["properties"]["backbone"]["properties"]
    for preset in presets.read().values():
        for key in ("output", "pooling", "preprocessing"):
            Draft202012Validator(schema[key]).validate(preset[key])
        presets.settle(FILE | {"name": None} | {key: preset[key] for key in ("output", "pooling", "preprocessing")})


def test_a_preset_says_what_params_yaml_leaves_open():
    found = presets.settle(FILE | {"name": "dinov2-small", "pooling": "cls"})
    assert (found["output"], found["pooling"]) == ("last_hidden_state", "cls")
    assert (found["preprocessing"]["side"], found["preprocessing"]["shorter_side"]) == (224, 256)


def test_a_network_of_keras_applications_stays_as_it_is():
    assert presets.settle(BACKBONE) == BACKBONE
    squared = BACKBONE | {"preprocessing": {"resize": "pad", "scale": None}}
    assert presets.settle(squared) == squared


@pytest.mark.parametrize(
    ("section", "said"),
    [
        (
            FILE | {"name": "MobileNet"},
            "params.yaml: backbone.name: row.onnx holds a whole network. Leave backbone.name empty, or set it to a "
            "preset of backbones/presets.yaml: dinov2-small, dinov2-base, ",
        ),
        (
            BACKBONE | {"name": "dinov2-small"},
            "params.yaml: backbone.name: the preset dinov2-small needs its network. Get it as backbones/presets.yaml "
            "says (https://huggingface.co/facebook/dinov2-small), put it into backbones/, and set backbone.weights to "
            "its name.",
        ),
        (
            BACKBONE | {"name": None},
            "params.yaml: backbone.name is empty, as for a network in a file (.onnx, .xml, or a folder in backbones/), "
            "and backbone.weights is mini.weights.h5. Set either.",
        ),
        (
            FILE | SCALED | {"arguments": {"alpha": 0.5}},
            "params.yaml: backbone.arguments are for an architecture, and row.onnx holds a whole network. Set it to "
            "{}.",
        ),
        (
            FILE | SCALED | {"engine": "tensorflow"},
            "params.yaml: backbone.engine: row.onnx is a network in a file, which OpenVINO computes. Set it to auto.",
        ),
        (
            FILE | SCALED | {"layer": ["a", "b"]},
            "params.yaml: backbone.layer: row.onnx is a network in a file. Set layer to auto or leave it empty, and "
            "name a tensor in backbone.output.",
        ),
        (
            BACKBONE | {"pooling": "cls"},
            "params.yaml: backbone.pooling is for a network in a file, and MobileNet is one of keras.applications. "
            "Leave it empty.",
        ),
        (
            BACKBONE | {"preprocessing": {"mean": [1, 2, 3]}},
            "params.yaml: backbone.preprocessing.mean is for a network in a file, and MobileNet of keras.applications "
            "has its own. Take it out; resize, shorter_side, interpolation may be set.",
        ),
    ],
)
def test_what_belongs_to_another_kind_of_network_is_refused(section, said):
    assert refusal(section).startswith(said)


def test_a_file_that_is_not_the_presets_is_refused():
    digest = hashlib.sha256(Path("backbones/row.onnx").read_bytes()).hexdigest()
    text = "mine: {source: 'https://a.b', licence: MIT, sha256: '%s', preprocessing: {scale: 1.0}}\n"
    Path("backbones/presets.yaml").write_text(text % digest)
    assert presets.settle(FILE | {"name": "mine"})["preprocessing"]["scale"] == 1.0
    Path("backbones/presets.yaml").write_text(text % ("0" * 64))
    assert refusal(FILE | {"name": "mine"}) == (
        "backbone.weights: backbones/row.onnx is not the file of the preset mine. Get it again, or leave backbone.name "
        "empty and set backbone.preprocessing, backbone.output and backbone.pooling for your file."
    )


@pytest.mark.parametrize("harm", ["mine: [", None], ids=["no YAML", "missing"])
def test_presets_that_cannot_be_read_say_how_to_get_them_back(harm):
    path = Path("backbones/presets.yaml")
    path.write_text(harm) if harm else path.unlink()
    said = refusal(FILE)
    assert said.startswith("cannot read backbones/presets.yaml: ")
    assert said.endswith(" Restore it: git checkout backbones/presets.yaml")
