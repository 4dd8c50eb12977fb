"""onnx_network: whatever an ONNX backbone looks like, one file goes from pixels to what the classifier says."""

import onnx
import onnx.version_converter
import pytest
from conftest import USES_KERAS
from exported import METHODS, RANDOM, TEMPERATURE, of_width
from huskies.backbone import network_file, openvino_engine, openvino_setup
from huskies.exports import ask, file_formats, head_weights, onnx_network
from huskies.model import classifier, strangers
from networks import backbone, put

pytestmark = [*USES_KERAS, pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")]

SIDE = 32
PIXELS = RANDOM.integers(0, 256, (1, SIDE, SIDE, 3)).astype("float32")
TURNED = {"scale": 1 / 255, "mean": [0.1, 0.2, 0.3], "std": [0.5, 0.25, 2.0], "channels": "bgr"}
TOKENS = {"weights": "tokens.onnx", "output": "last_hidden_state"}


@pytest.fixture(autouse=True)
def _workspace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("row.onnx", "map.onnx", "tokens.onnx", "bytes.onnx", "half.onnx", "channels_last.onnx", "outside"):
        put(name)
    (tmp_path / "backbones/presets.yaml").write_text("{}\n")


def check(tmp_path, section, method="neighbours", known=None):
    """Export a classifier of this backbone, ask it about PIXELS by ONNX Runtime, and compare with its features."""
    features_of, widths = network_file.assemble(section, 1)
    compiled = openvino_setup.core().compile_model(features_of, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    features = compiled([PIXELS.astype("uint8")])[0]
    whole, directions = of_width(method, sum(widths), **section)
    with file_formats.silent():
        onnx_network.save(whole, head_weights.of(whole, directions), {"labels": []}, tmp_path / "a.onnx", known)
    found = ask.onnx(str(tmp_path / "a.onnx"))(PIXELS)
    sure = classifier.probabilities(whole.classifier.logits(features), TEMPERATURE)
    tolerance = 0.02 if section["weights"] == "half.onnx" else 1e-4
    assert found["probabilities"] == pytest.approx(sure, abs=tolerance)
    distance = strangers.METHODS[method]((whole.classifier, whole.neighbours), features)
    assert found["distance"] == pytest.approx(distance, rel=1e-3, abs=tolerance)
    return found, features


@pytest.mark.parametrize("method", METHODS)
def test_pixels_go_in_and_the_answers_of_the_classifier_come_out(tmp_path, method):
    check(tmp_path, backbone("map.onnx", TURNED), method)


@pytest.mark.parametrize(
    "given",
    [
        {"weights": "row.onnx"},
        {"weights": "row.onnx", "prepared": TURNED},
        {"weights": "bytes.onnx"},
        {"weights": "half.onnx", "prepared": {"scale": 1 / 255}},
        {"weights": "channels_last.onnx", "prepared": TURNED},
        {"weights": "outside"},
        {**TOKENS},
        {**TOKENS, "pooling": "cls+mean"},
        {**TOKENS, "layer": "auto", "prepared": {"scale": 1 / 255}},
        {"weights": "tokens.onnx", "output": "patch_tokens"},
    ],
    ids=str,
)
def test_shape_type_layout_output_and_pooling_are_those_of_the_flow(tmp_path, given):
    check(tmp_path, backbone(**given))


@pytest.mark.parametrize("opset", [9, 11, 13, 18, 21])
def test_files_of_older_and_newer_operators_are_joined_too(tmp_path, opset):
    path = tmp_path / "backbones/map.onnx"
    model = onnx.load(path)
    if opset > 13:
        model = onnx.version_converter.convert_version(model, opset)
    # Its one convolution is the same in all of them.
    model.opset_import[0].version = opset
    path.write_bytes(model.SerializeToString())
    check(tmp_path, backbone("map.onnx", TURNED, layer="auto"))
    assert onnx.load(tmp_path / "a.onnx").opset_import[0].version == max(opset, 11)


def test_what_leads_to_other_outputs_is_left_out_and_the_description_is_in_the_file(tmp_path):
    check(tmp_path, backbone(**TOKENS))
    model = onnx.load(tmp_path / "a.onnx")
    assert [each.name for each in model.graph.input] == ["pixels"]
    assert {each.name for each in model.graph.output} == {"probabilities", "distance"}
    assert not [name for node in model.graph.node for name in node.output if "pooler" in name]
    assert [(each.key, each.value) for each in model.metadata_props] == [("two_huskies", '{\n "labels": []\n}\n')]


def test_the_same_bytes_come_out_again(tmp_path):
    check(tmp_path, backbone("map.onnx"))
    once = (tmp_path / "a.onnx").read_bytes()
    check(tmp_path, backbone("map.onnx"))
    assert (tmp_path / "a.onnx").read_bytes() == once


def test_the_page_is_told_how_alike_known_photos_are(tmp_path):
    section = backbone("map.onnx")
    known = of_width("neighbours", 4)[1][:3].astype("float32")
    found, features = check(tmp_path, section, known=known)
    direction = features / (features**2).sum(axis=1, keepdims=True) ** 0.5
    assert found["likeness"] == pytest.approx(direction @ known.T, abs=1e-4)


def test_a_network_that_is_no_onnx_file_is_refused(tmp_path):
    made = openvino_engine._bytes(network_file.assemble(backbone("row.onnx"), 1)[0])
    (tmp_path / "backbones/own").mkdir()
    (tmp_path / "backbones/own/net.xml").write_bytes(made["xml"].tobytes())
    (tmp_path / "backbones/own/net.bin").write_bytes(made["weights"].tobytes())
    section = backbone("own")
    whole, directions = of_width("neighbours", 4, **section)
    with pytest.raises(ValueError, match=r"its backbone is net\.xml, and no ONNX file"):
        onnx_network.save(whole, head_weights.of(whole, directions), {}, tmp_path / "a.onnx")
