"""network_file: whatever a network in a file looks like, features are those that its weights make of the pixels."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from huskies.backbone import identity, inference, network_file, openvino_engine
from huskies.errors import HuskyError
from networks import WEIGHTS, backbone, computed, pictures, put_all, seen


@pytest.fixture(autouse=True)
def _workspace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    put_all()


def refusal(weights: str, prepared: dict | None = None, **given) -> str:
    with pytest.raises(HuskyError) as error:
        network_file.assemble(backbone(weights, prepared, **given), 4)
    return str(error.value)


def means(pixels: list[np.ndarray], section: dict) -> np.ndarray:
    """Return the mean colour, N × 3, of what the network is given."""
    return seen(pixels, section).astype(np.float64).mean(axis=(1, 2))


@pytest.mark.parametrize(
    "weights", ["row.onnx", "fixed.onnx", "map.onnx", "channels_last.onnx", "half.onnx", "bytes.onnx", "outside"]
)
def test_a_file_of_any_shape_type_and_layout_gives_the_features_of_its_weights(tmp_path, weights):
    section = backbone(weights)
    expected = means(pictures(), section) @ WEIGHTS.T
    # Half precision has eleven bits.
    tolerance = 0.1 if weights == "half.onnx" else 1e-3
    assert computed(section, pictures(), tmp_path) == pytest.approx(expected, abs=tolerance)


@pytest.mark.parametrize("weights", ["row.onnx", "fixed.onnx", "tokens.onnx"])
def test_a_row_has_the_same_bits_on_any_number_of_cores_and_in_any_company(tmp_path, weights):
    section = backbone(weights, output="last_hidden_state" if weights == "tokens.onnx" else None)
    together = computed(section, pictures(7), tmp_path, cores=2)
    assert together.tobytes() == computed(section, pictures(7), tmp_path).tobytes()
    assert together[:2].tobytes() == computed(section, pictures(2), tmp_path).tobytes()


def test_openvinos_own_format_is_read_from_a_folder_with_its_weights(tmp_path):
    model, _ = network_file.assemble(backbone("row.onnx"), 4)
    made = openvino_engine._bytes(model)
    Path("backbones/own").mkdir()
    Path("backbones/own/net.xml").write_bytes(made["xml"].tobytes())
    Path("backbones/own/net.bin").write_bytes(made["weights"].tobytes())
    own, of_onnx = (backbone(each) for each in ("own", "row.onnx"))
    expected = computed(of_onnx, pictures(), tmp_path)
    assert computed(own, pictures(), tmp_path) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(
    ("weights", "given", "said"),
    [
        ("none.onnx", {}, "backbone.weights: there is no file backbones/none.onnx. Put it there, or choose another"),
        ("text.onnx", {}, "backbone.weights: backbones/text.onnx cannot be read: Unable to read the model."),
        ("row.data.onnx", {}, "backbone.weights: backbones/row.data.onnx cannot be read"),
        (
            "alone.onnx",
            {},
            "backbone.weights: backbones/alone.onnx keeps its weights in another file, row.data, whose changes nobody "
            "would notice. Put both into a folder of their own: mkdir backbones/alone && mv backbones/alone.onnx "
            "backbones/row.data backbones/alone, and set backbone.weights to alone.",
        ),
        (
            "net.xml",
            {},
            "backbone.weights: backbones/net.xml keeps its weights in another file, net.bin, whose changes nobody "
            "would notice. Put both into a folder of their own: mkdir backbones/net && mv backbones/net.xml "
            "backbones/net.bin backbones/net, and set backbone.weights to net.",
        ),
        ("empty", {}, "backbone.weights: backbones/empty holds no network. Leave exactly one .onnx or .xml file in it"),
        ("several", {}, "backbone.weights: backbones/several holds a.onnx, b.onnx. Leave exactly one .onnx or .xml"),
        ("escape", {}, "which is outside the base directory"),
        (
            "tokens.onnx",
            {},
            "backbone.output: backbones/tokens.onnx has 2 outputs: last_hidden_state [4,17,4], pooler_output [4,4]. "
            "Set it to last_hidden_state, pooler_output.",
        ),
        (
            "tokens.onnx",
            {"output": "last_hiden_state"},
            "backbone.output: backbones/tokens.onnx has no output 'last_hiden_state'. Did you mean "
            "'last_hidden_state'? It has last_hidden_state [4,17,4], pooler_output [4,4]. Set it to "
            "last_hidden_state, pooler_output.",
        ),
    ],
)
def test_what_will_not_do_is_said_before_anything_is_computed(weights, given, said):
    Path("backbones/text.onnx").write_text("a text")
    Path("backbones/row.data.onnx").write_bytes(Path("backbones/row.onnx").read_bytes()[:100])
    shutil.copy("backbones/outside/row.onnx", "backbones/alone.onnx")
    shutil.copy("backbones/outside/row.data", "backbones/row.data")
    Path("backbones/net.xml").write_text("<net/>")
    for folder in ("empty", "several", "escape"):
        Path("backbones", folder).mkdir()
    shutil.copy("backbones/row.onnx", "backbones/several/a.onnx")
    shutil.copy("backbones/row.onnx", "backbones/several/b.onnx")
    climbing = Path("backbones/outside/row.onnx").read_bytes().replace(b"\x08row.data", b"\x08../w.dat")
    Path("backbones/escape/row.onnx").write_bytes(climbing)
    assert said in refusal(weights, **given)


def test_any_tensor_of_the_network_may_be_the_output(tmp_path):
    section = backbone("tokens.onnx", output="patch_tokens")
    assert computed(section, pictures(), tmp_path).shape == (5, 4)


def test_another_network_preprocessing_output_or_pooling_is_another_backbone():
    def key(weights: str = "tokens.onnx", prepared: dict | None = None, **given) -> str:
        return openvino_engine.key(backbone(weights, prepared, **{"output": "last_hidden_state"} | given))

    before = key()
    others = [
        key(prepared={"interpolation": "bilinear"}),
        key(prepared={"mean": [1.0, 0.0, 0.0]}),
        key(pooling="cls"),
        key(output="pooler_output"),
        key(layer="auto"),
        key("row.onnx"),
    ]
    content = bytearray(Path("backbones/tokens.onnx").read_bytes())
    content[-200] ^= 1
    Path("backbones/tokens.onnx").write_bytes(content)
    assert len({before, *others, key()}) == 8


def test_weights_beside_the_file_count_as_much_as_the_file():
    before = openvino_engine.key(backbone("outside"))
    weights = Path("backbones/outside/row.data")
    weights.write_bytes(weights.read_bytes()[::-1])
    assert openvino_engine.key(backbone("outside")) != before


def test_bfloat16_is_taken_by_the_same_rule_as_ever(monkeypatch):
    monkeypatch.setattr(openvino_engine, "precisions", lambda: ["bfloat16", "float32"])
    for cosine, precision in ((0.9991, "bfloat16"), (0.9989, "float32")):
        shutil.rmtree(openvino_engine.converted.cache_file.cache_folder(), ignore_errors=True)
        monkeypatch.setattr(openvino_engine, "fidelity", lambda *_, cosine=cosine: cosine)
        settled = inference.settle(backbone("row.onnx", precision="auto"))
        assert (settled["engine"], settled["precision"]) == ("openvino", precision)


def test_features_that_are_not_finite_are_refused():
    content = Path("backbones/row.onnx").read_bytes()
    weight = WEIGHTS.ravel()[1].tobytes()
    assert content.count(weight) == 1
    Path("backbones/row.onnx").write_bytes(content.replace(weight, np.float32(np.nan).tobytes()))
    with pytest.raises(HuskyError, match=re.escape("the backbone gives no finite features. Choose other weights")):
        inference.settle(backbone("row.onnx", layer="auto"))


def test_the_identity_has_the_digest_of_the_file_and_all_that_prepares_pixels(tmp_path):
    from conftest import bare_job

    section = inference.settle(backbone("row.onnx", {"resize": "crop"}))
    job = bare_job("bottlenecks_original", tmp_path, files={"backbones/row.onnx": "12ab"})
    described = identity.of(job, section)
    assert '"backbones/row.onnx": "12ab"' in described
    assert '"resize": "crop"' in described
