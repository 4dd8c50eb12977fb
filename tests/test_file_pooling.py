"""file_pooling: a row is the mean of a map or of the patches, the first token, both, or what is a row already."""

import numpy as np
import pytest
from huskies.backbone import network_file
from huskies.errors import HuskyError
from networks import WEIGHTS, backbone, computed, pictures, put, seen


@pytest.fixture(autouse=True)
def _workspace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("tokens.onnx", "map.onnx", "row.onnx"):
        put(name)
    (tmp_path / "backbones/presets.yaml").write_text("{}\n")


def tokens(section: dict) -> np.ndarray:
    """Return what the tokens come to by hand: N × 17 × 4, the first of them for the whole."""
    patches = seen(pictures(), section).reshape(-1, 4, 8, 4, 8, 3).mean(axis=(2, 4)).reshape(-1, 16, 3) @ WEIGHTS.T
    return np.concatenate([patches.mean(axis=1, keepdims=True) + 1, patches], axis=1) * 1.1**8


@pytest.mark.parametrize("pooling", ["cls", "mean", "cls+mean", None])
def test_of_tokens_the_first_is_cls_and_only_patches_are_averaged(tmp_path, pooling):
    section = backbone("tokens.onnx", output="last_hidden_state", pooling=pooling)
    expected = tokens(section)
    cls, mean = expected[:, 0], expected[:, 1:].mean(axis=1)
    wanted = {"cls": cls, "mean": mean, "cls+mean": np.concatenate([cls, mean], axis=1), None: mean}[pooling]
    assert computed(section, pictures(), tmp_path) == pytest.approx(wanted, abs=1e-2)


def test_what_is_a_row_already_stays_as_it_is(tmp_path):
    section = backbone("tokens.onnx", output="pooler_output", pooling="none")
    assert computed(section, pictures(), tmp_path) == pytest.approx(tokens(section).mean(axis=1), abs=1e-2)


@pytest.mark.parametrize(
    ("weights", "given", "said"),
    [
        (
            "map.onnx",
            {"pooling": "cls"},
            "backbone.pooling is cls, but map of backbones/map.onnx is [4,4,32,32]. Set it to mean.",
        ),
        (
            "tokens.onnx",
            {"output": "last_hidden_state", "pooling": "none"},
            "backbone.pooling is none, but last_hidden_state of backbones/tokens.onnx is [4,17,4]. Set it to mean "
            "or cls or cls+mean.",
        ),
        (
            "row.onnx",
            {"pooling": "mean"},
            "backbone.pooling is mean, but row of backbones/row.onnx is [4,4]. Set it to none.",
        ),
        (
            "tokens.onnx",
            {"output": "patch_tokens", "pooling": "cls"},
            "backbone.pooling is cls, but patch_tokens of backbones/tokens.onnx has 16 tokens, which are all "
            "patches. Set it to mean.",
        ),
    ],
)
def test_a_pooling_that_the_shape_does_not_have_is_refused(weights, given, said):
    with pytest.raises(HuskyError) as error:
        network_file.assemble(backbone(weights, **given), 4)
    assert str(error.value) == said
