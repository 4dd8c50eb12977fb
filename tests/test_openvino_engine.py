"""openvino_engine: a converted backbone is faithful, has the same bits anywhere, and is kept while it is right."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from conftest import BACKBONE, KERAS_WARNS, PROJECT
from either_engine import (
    cut_short,
    features,
    flip_a_bit_of_the_weights,
    must_not_trace,
    trace,
)
from huskies import cache_file, digests, imports
from huskies.backbone import openvino_engine
from huskies.images import codec

pytestmark = [KERAS_WARNS, pytest.mark.usefixtures("in_project")]
HAS_BFLOAT16 = "bfloat16" in openvino_engine.precisions()


def test_a_kept_backbone_gives_what_tensorflow_gives_with_the_preprocessing_of_keras(kept):
    pixels = openvino_engine.pictures(32)
    function, side = trace(8)
    assert side == 32
    expected = function(pixels).numpy()
    assert features(pixels) == pytest.approx(expected, abs=1e-5)
    with np.load(kept) as file:
        assert file["reference"] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("precision", openvino_engine.precisions())
def test_a_row_has_the_same_bits_on_any_thread_among_any_cores_at_any_place_in_a_batch(kept, precision):
    pixels = np.random.default_rng(1).integers(0, 256, (24, 32, 32, 3), dtype=np.uint8)
    expected = features(pixels, precision)
    order = np.random.default_rng(2).permutation(24)
    assert features(pixels[order], precision).tobytes() == expected[order].tobytes()
    infer, _, _ = openvino_engine.load({**BACKBONE, "precision": precision}, 3, must_not_trace)
    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(infer, np.split(np.tile(pixels, (10, 1, 1, 1)), 60)))
    assert np.concatenate(together).tobytes() == np.tile(expected, (10, 1)).tobytes()
    alone = np.zeros((4, 32, 32, 3), np.uint8)
    alone[0] = pixels[7]
    assert infer(alone)[0].tobytes() == expected[7].tobytes()


def test_openvino_in_float32_is_faithful(kept):
    assert openvino_engine.fidelity(BACKBONE, "float32", must_not_trace) > 0.999999


@pytest.mark.skipif(not HAS_BFLOAT16, reason="this processor has no bfloat16")
def test_bfloat16_is_another_precision_and_faithful_for_the_bundled_backbone(kept):
    pixels = openvino_engine.pictures(32)
    exact, rounded = features(pixels), features(pixels, "bfloat16")
    assert rounded != pytest.approx(exact, abs=1e-4)
    assert rounded == pytest.approx(exact, abs=0.1)
    assert 0.999 < openvino_engine.fidelity(BACKBONE, "bfloat16", must_not_trace) < 0.99999


@pytest.mark.parametrize(
    ("turned", "cosine"), [(0, 1.0), (60, 0.5), (90, 0.0)], ids=["the same", "sixty degrees", "at right angles"]
)
def test_fidelity_is_the_cosine_of_the_worst_picture(turned, cosine):
    angles = np.radians([0, turned, 0])
    rows = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    assert openvino_engine._least_cosine(3 * rows, np.array([[2.0, 0.0]] * 3)) == pytest.approx(cosine)


def test_the_fixed_pictures_are_always_the_same_and_smooth_as_photographs():
    pixels = openvino_engine.pictures(32)
    assert pixels.shape == (8, 32, 32, 3)
    assert codec.sha256(pixels.tobytes()) == codec.sha256(openvino_engine.pictures(32).tobytes())
    grey = pixels.astype(float)
    assert 100 < grey.mean() < 150
    # In white noise, neighbours differ by 1.1 standard deviations on average.
    assert np.abs(np.diff(grey, axis=1)).mean() < 0.7 * grey.std()


@pytest.mark.parametrize(
    "harm",
    [cut_short, flip_a_bit_of_the_weights, lambda path: path.write_bytes(b""), lambda path: path.unlink()],
    ids=["cut short", "a bit flipped", "empty", "deleted"],
)
def test_a_damaged_backbone_is_converted_again(kept, harm):
    pixels = openvino_engine.pictures(32)
    expected = features(pixels)
    harm(kept)
    with pytest.raises(pytest.fail.Exception, match="TensorFlow was asked"):
        features(pixels)
    openvino_engine.load(BACKBONE, 1, trace)
    assert features(pixels).tobytes() == expected.tobytes()
    assert [path.name for path in kept.parent.iterdir()] == [kept.name]


@pytest.mark.parametrize(
    "change",
    [{"name": "MobileNetV2"}, {"arguments": {"alpha": 1.0}}, {"layer": "conv_pw_6_relu"}, {"input_size": 64}],
    ids=["name", "arguments", "layer", "input size"],
)
def test_another_backbone_is_kept_apart(change):
    assert openvino_engine.key({**BACKBONE, **change}) != openvino_engine.key(BACKBONE)


def test_engine_and_precision_share_one_converted_backbone():
    assert openvino_engine.key({**BACKBONE, "precision": "bfloat16"}) == openvino_engine.key(BACKBONE)


def test_other_weights_under_the_same_name_are_another_backbone(tmp_path, monkeypatch):
    before = openvino_engine.key(BACKBONE)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "backbones").mkdir()
    (tmp_path / "backbones/mini.weights.h5").write_bytes(b"others")
    assert openvino_engine.key(BACKBONE) != before


def test_another_version_of_a_library_converts_again(monkeypatch):
    before = openvino_engine.key(BACKBONE)
    monkeypatch.setattr(imports.importlib.metadata, "version", lambda library: "99")
    assert openvino_engine.key(BACKBONE) != before


def test_where_nothing_can_be_kept_the_backbone_serves_all_the_same(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setattr(cache_file, "cache_folder", lambda: tmp_path / "file")
    monkeypatch.setattr(digests, "file_digest", lambda path: "0")
    infer, side, _ = openvino_engine.load(BACKBONE, 1, trace)
    assert infer(openvino_engine.pictures(side)[:4]).shape == (4, 512)


def test_a_kept_backbone_needs_no_tensorflow_and_reports_to_nobody(kept, tmp_path):
    jpeg = tmp_path / "cat.jpg"
    jpeg.write_bytes(codec.encode(openvino_engine.pictures(32)[0], 95))
    script = f"""
import json, sys
from pathlib import Path
from huskies.backbone import inference
from huskies.backbone import network
from huskies.images import codec
file = Path({str(jpeg)!r})
parameters = json.loads(sys.argv[1])
[(positions, features)] = inference.compute(parameters, [(file, codec.sha256(file.read_bytes()))], 2)
loaded = {{"tensorflow", "keras", "openvino_telemetry.main"}} & set(sys.modules)
print(json.dumps([list(positions), features.shape, sorted(loaded)]))
"""
    home = tmp_path / "home"
    home.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", script, json.dumps({**BACKBONE, "engine": "auto", "precision": "float32"})],
        env={**os.environ, "PYTHONPATH": str(PROJECT / "workflow"), "HOME": str(home)},
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""
    assert json.loads(done.stdout) == [[0], [1, 512], []]
    assert list(home.iterdir()) == []
