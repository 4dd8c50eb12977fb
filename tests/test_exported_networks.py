"""Networks that Keras has written into files: the file computes what Keras computes."""

from pathlib import Path

import exported_networks
import pytest
from conftest import PROJECT, USES_KERAS
from huskies.backbone import tensorflow_setup

pytestmark = USES_KERAS


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("name", "kind"), [("MobileNetV2", "onnx"), ("ConvNeXtTiny", "openvino")])
def test_a_network_of_keras_in_a_file_gives_the_features_of_keras(tmp_path, monkeypatch, name, kind):
    monkeypatch.chdir(tmp_path)
    Path("backbones").mkdir()
    Path("backbones/presets.yaml").write_bytes((PROJECT / "backbones/presets.yaml").read_bytes())
    tensorflow_setup.load_tensorflow()
    [(*_, cosine, _, layers, reason)] = exported_networks.compared(name, kind)
    assert reason == ""
    assert float(cosine) >= 0.9999
    assert layers > 3
