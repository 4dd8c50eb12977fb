"""file_blocks: several layers of a network in a file are its residual blocks, found without a name to go by."""

import numpy as np
import pytest
from huskies.backbone import inference, network_file
from networks import backbone, computed, pictures, put


@pytest.fixture(autouse=True)
def _workspace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("tokens.onnx", "row.onnx"):
        put(name)
    (tmp_path / "backbones/presets.yaml").write_text("{}\n")


def test_every_second_block_of_a_transformer_is_taken_and_its_last_is_its_output(tmp_path):
    section = backbone("tokens.onnx", output="last_hidden_state", pooling="cls+mean", layer="auto")
    assert inference.settle(section)["widths"] == [8, 8]
    # Four blocks of two sums each: the second block ends with the fourth sum.
    second = backbone("tokens.onnx", output="stream_4", pooling="cls+mean")
    last = backbone("tokens.onnx", output="last_hidden_state", pooling="cls+mean")
    expected = np.concatenate([computed(each, pictures(), tmp_path) for each in (second, last)], axis=1)
    assert computed(section, pictures(), tmp_path) == pytest.approx(expected, rel=1e-5)


def test_blocks_behind_a_row_are_averaged(tmp_path):
    section = backbone("tokens.onnx", output="pooler_output", layer="auto")
    assert inference.settle(section)["widths"] == [4, 4]
    second = backbone("tokens.onnx", output="stream_4", pooling="mean")
    found = computed(section, pictures(), tmp_path)
    assert found[:, :4] == pytest.approx(computed(second, pictures(), tmp_path), rel=1e-5)


def test_a_network_without_residual_blocks_has_its_output_alone():
    _, widths = network_file.assemble(backbone("row.onnx", layer="auto"), 4)
    assert widths == [4]
