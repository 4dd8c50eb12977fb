"""file_input: pixels come to a network in a file as it wants them, and an input that cannot be had is refused."""

import numpy as np
import pytest
from huskies.backbone import network_file
from huskies.errors import HuskyError
from networks import WEIGHTS, backbone, computed, pictures, put_all, seen


@pytest.fixture(autouse=True)
def _workspace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    put_all()


def test_scale_mean_and_deviation_are_applied_in_this_order_and_channels_are_turned_before(tmp_path):
    prepared = {"scale": 1 / 255, "mean": [0.1, 0.2, 0.3], "std": [0.5, 0.25, 2.0]}
    for channels in ("rgb", "bgr"):
        section = backbone("row.onnx", {**prepared, "channels": channels})
        colours = seen(pictures(), section).astype(np.float64).mean(axis=(1, 2)) / 255
        colours = colours[:, ::-1] if channels == "bgr" else colours
        expected = (colours - prepared["mean"]) / prepared["std"] @ WEIGHTS.T
        assert computed(section, pictures(), tmp_path) == pytest.approx(expected, abs=1e-4)


def test_what_a_file_fixes_need_not_be_said(tmp_path):
    section = backbone("fixed.onnx", input_size=None)
    assert computed(section, pictures(), tmp_path).shape == (5, 4)


@pytest.mark.parametrize(
    ("weights", "given", "said"),
    [
        ("grey.onnx", {}, "backbone.preprocessing: backbones/grey.onnx takes [1,1,32,32], which does not say where"),
        (
            "grey.onnx",
            {"prepared": {"layout": "nchw"}},
            "backbone.preprocessing: backbones/grey.onnx takes [1,1,32,32], and is given three channels in the layout "
            "nchw. Choose the other layout, or a network for colour images.",
        ),
        (
            "wide.onnx",
            {},
            "backbone.weights: backbones/wide.onnx takes 32 × 48 pixels, and is given squares. Export it with a square "
            "input.",
        ),
        (
            "fixed.onnx",
            {"input_size": 96},
            "backbone.preprocessing: backbones/fixed.onnx takes 32 × 32 pixels, and the side is set to 96. Set "
            "backbone.preprocessing.side to 32, and leave backbone.input_size empty.",
        ),
        (
            "row.onnx",
            {"input_size": None},
            "backbone.preprocessing: backbones/row.onnx takes images of any size. Set side to the number of pixels "
            "that the network was trained on.",
        ),
        (
            "bytes.onnx",
            {"prepared": {"scale": 0.5}},
            "backbone.preprocessing: backbones/bytes.onnx takes numbers of type u8. Set scale to 1.0, and leave "
            "mean and std out.",
        ),
    ],
)
def test_an_input_that_cannot_be_had_is_refused_before_anything_is_computed(weights, given, said):
    with pytest.raises(HuskyError) as error:
        network_file.assemble(backbone(weights, **given), 4)
    assert said in str(error.value)
