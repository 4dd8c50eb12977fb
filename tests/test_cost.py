"""cost: multiply-adds and size are those that the authors of networks have published."""

import pytest
from conftest import BACKBONE, USES_KERAS
from huskies.backbone import cost, inference
from networks import backbone, put

pytestmark = USES_KERAS


@pytest.mark.usefixtures("in_project")
def test_the_bundled_network_costs_what_its_authors_say():
    # 149 million multiply-adds at 224 pixels, and 1.34 million weights, of which the last layer has 0.51 (Howard et al.
    # 2017, arXiv:1704.04861).
    found = cost.of(inference.settle({**BACKBONE, "input_size": 96}))
    assert found["multiply_adds"] == pytest.approx(0.149 * (96 / 224) ** 2, rel=0.02)
    assert found["megabytes"] == pytest.approx(0.83 * 4, rel=0.02)


def test_a_file_costs_what_its_convolution_does(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    put("row.onnx")
    (tmp_path / "backbones/presets.yaml").write_text("{}\n")
    found = cost.of(inference.settle(backbone("row.onnx")))
    assert found["multiply_adds"] == round(32 * 32 * 4 * 3 / 1e9, 4)
