"""Networks that Keras has written into files: the file computes what Keras computes."""

from pathlib import Path

import exported_networks
import pytest
from conftest import PROJECT, USES_KERAS, Clone, do, stages_run
from huskies.backbone import tensorflow_setup
from networks import put
from project import below

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


@pytest.mark.long
@pytest.mark.timeout(400)
def test_another_file_or_pooling_computes_the_bottlenecks_anew_and_nothing_above_them(built: Clone):
    put("tokens.onnx", built.folder)
    network = {"name": None, "arguments": {}, "weights": "tokens.onnx", "input_size": 32}
    network |= {"preprocessing": {"scale": 1.0}, "output": "last_hidden_state"}
    built.set(**{f"backbone__{key}": value for key, value in network.items()})
    from_bottlenecks = list(below("bottlenecks_original", "bottlenecks_augmented", "bottlenecks_test"))
    from_bottlenecks.remove("report")
    assert stages_run(do(built, "snakemake", "--cores", "2", "metrics")) == from_bottlenecks
    assert stages_run(do(built, "snakemake", "--cores", "2", "metrics")) == []
    identity = (built.folder / "data/bottlenecks_original/identity.json").read_text()
    # What is added to the first token.
    path = built.folder / "backbones/tokens.onnx"
    path.write_bytes(path.read_bytes().replace(b"\x00\x00\x80?", b"\x00\x00\x00@"))
    said = do(built, "dvc", "repro", "bottlenecks_original")
    assert stages_run(said) == ["bottlenecks_original"]
    assert "reused 0 bottlenecks" in said
    assert (built.folder / "data/bottlenecks_original/identity.json").read_text() != identity
    built.set(backbone__pooling="cls+mean")
    said = do(built, "snakemake", "--cores", "2", "bottlenecks_original")
    assert "reused 0 bottlenecks of 8 features" in said
