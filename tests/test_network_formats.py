"""network_formats: a network in a file with the head behind it says what the classifier says of its features."""

import numpy as np
import pytest
from exported import METHODS, RANDOM, TEMPERATURE, of_width
from huskies.backbone import network_file, openvino_setup
from huskies.exports import ask, head_weights, network_formats, openvino_file
from huskies.model import classifier, strangers
from networks import backbone, put

SIDE = 32


@pytest.mark.parametrize("method", METHODS)
def test_pixels_go_in_and_the_answers_of_the_classifier_come_out(tmp_path, monkeypatch, method):
    monkeypatch.chdir(tmp_path)
    put("map.onnx")
    (tmp_path / "backbones/presets.yaml").write_text("{}\n")
    section = backbone("map.onnx")
    pixels = RANDOM.integers(0, 256, (1, SIDE, SIDE, 3)).astype(np.float32)
    features_of, [width] = network_file.assemble(section, 1)
    compiled = openvino_setup.core().compile_model(features_of, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    features = compiled([pixels.astype(np.uint8)])[0]
    whole, known = of_width(method, width, **section)

    assembled = network_formats.assemble(whole, head_weights.of(whole, known))
    openvino_file.save(assembled, {"labels": []}, tmp_path / "a.xml")
    found = ask.openvino(str(tmp_path / "a.xml"))(pixels)
    sure = classifier.probabilities(whole.classifier.logits(features), TEMPERATURE)
    assert found["probabilities"] == pytest.approx(sure, abs=1e-4)
    distance = strangers.METHODS[method]((whole.classifier, whole.neighbours), features)
    assert found["distance"] == pytest.approx(distance, rel=1e-4, abs=1e-4)
