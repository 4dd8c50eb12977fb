"""int8: a backbone is quantized on training images alone, to the same bytes, and only where it is asked for by name."""

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import BACKBONE, KERAS_WARNS, PROJECT
from either_engine import (
    FAILED,
    cut_short,
    features,
    flip_a_bit_of_the_weights,
    machine,
    must_not_trace,
    not_convertible,
    trace,
)
from huskies.backbone import engine, int8, openvino_engine
from huskies.errors import HuskyError
from huskies.images import codec, manifest

pytestmark = [KERAS_WARNS, pytest.mark.usefixtures("in_project")]


def write_split(folder: Path, train: range = range(6), held_out: range = range(6, 8), name: str = "x") -> Path:
    """Fill a folder as the stage split does with some of eight pictures; those that are held out are only listed."""
    rows = []
    (folder / "cat").mkdir(parents=True)
    for number, pixels in enumerate(openvino_engine.pictures(32)):
        jpeg = codec.encode(pixels, 95)
        split = "train" if number in train else "test" if number % 2 else "val"
        if number not in train and number not in held_out:
            continue
        file = f"cat/{split}_{name}{number}.jpg"
        if split == "train":
            (folder / file).write_bytes(jpeg)
        rows.append({"file": file, "split": split, "sha256": codec.sha256(jpeg)})
    manifest.write(manifest.make(rows), folder / manifest.NAME)
    return folder


INT8 = {**BACKBONE, "engine": "openvino", "precision": "int8"}


def int8_on(split: Path) -> dict:
    return engine.settle(INT8, must_not_trace, split)


def test_int8_is_calibrated_on_the_training_images_of_the_smallest_sha256(tmp_path):
    digests = [codec.sha256(str(number).encode()) for number in range(500)]
    rows = [
        {"file": f"cat/{split}_{number:03}.jpg", "split": split, "sha256": digest}
        for number, digest in enumerate(digests)
        for split in [("train", "train", "train", "val", "test")[number % 5]]
    ]
    manifest.write(manifest.make(rows), tmp_path / manifest.NAME)
    training = sorted((row["sha256"], tmp_path / row["file"]) for row in rows if row["split"] == "train")
    assert int8.calibration_images(tmp_path) == [(path, sha256) for sha256, path in training]
    more = [{"file": f"dog/train_{n:03}.jpg", "split": "train", "sha256": codec.sha256(b"%d" % n)} for n in range(900)]
    manifest.write(manifest.make(more), tmp_path / manifest.NAME)
    chosen = int8.calibration_images(tmp_path)
    assert [sha256 for _, sha256 in chosen] == sorted(row["sha256"] for row in more)[:300]


def test_a_copy_of_a_training_image_is_calibrated_on_once(tmp_path):
    rows = [{"file": f"cat/train_{name}.jpg", "split": "train", "sha256": "1" * 64} for name in "ab"]
    manifest.write(manifest.make(rows), tmp_path / manifest.NAME)
    assert int8.calibration_images(tmp_path) == [(tmp_path / "cat/train_a.jpg", "1" * 64)]


@pytest.mark.parametrize("gpu", [False, True])
def test_int8_is_used_by_name_alone_without_a_measurement_and_says_what_it_is_calibrated_on(monkeypatch, tmp_path, gpu):
    machine(monkeypatch, gpu=gpu)
    monkeypatch.setattr(openvino_engine, "fidelity", lambda *_: pytest.fail("it was measured"))
    split = write_split(tmp_path / "split")
    for asked in ("auto", "openvino"):
        settled = engine.settle({**INT8, "engine": asked}, must_not_trace, split)
        assert settled == {**INT8, "calibration": int8.calibration(split)}
    assert settled["calibration"].keys() == {"images", "preset", "nncf"}
    assert engine.settle(settled, must_not_trace, split) == settled
    assert "int8" not in openvino_engine.precisions()


def test_other_training_images_are_another_calibration_and_other_names_or_held_out_images_are_not(tmp_path):
    settled = int8_on(write_split(tmp_path / "split"))
    assert int8_on(write_split(tmp_path / "renamed", name="y")) == settled
    assert int8_on(write_split(tmp_path / "none held out", held_out=range(0))) == settled
    assert int8_on(write_split(tmp_path / "fewer", train=range(5))) != settled
    assert int8_on(write_split(tmp_path / "others", train=range(1, 7))) != settled


@pytest.fixture
def quantizations(monkeypatch) -> list[Path]:
    """Put nothing in the place of NNCF; return the splits that it was asked to calibrate on."""
    asked = []
    monkeypatch.setattr(int8, "quantize", lambda model, split, fit: asked.append(split) or model)
    return asked


def test_a_quantized_backbone_is_kept_for_its_calibration(kept, tmp_path, quantizations):
    first, other = write_split(tmp_path / "first"), write_split(tmp_path / "other", train=range(5))
    for split in (first, first, other, first, other):
        openvino_engine.load(int8_on(split), 1, must_not_trace, split)
    assert quantizations == [first, other]
    # It is all there is to read: the one it was made of may be gone.
    kept.unlink()
    openvino_engine.load(int8_on(first), 1, must_not_trace, first)
    assert len(list(kept.parent.iterdir())) == 2


def test_another_version_of_nncf_or_another_processor_quantizes_again(kept, tmp_path, quantizations, monkeypatch):
    split = write_split(tmp_path / "split")
    openvino_engine.load(int8_on(split), 1, must_not_trace, split)
    monkeypatch.setattr(int8, "NNCF", "99")
    openvino_engine.load(int8_on(split), 1, must_not_trace, split)
    assert len(quantizations) == 2


@pytest.mark.parametrize(
    "harm",
    [cut_short, flip_a_bit_of_the_weights, lambda path: path.write_bytes(b""), lambda path: path.unlink()],
    ids=["cut short", "a bit flipped", "empty", "deleted"],
)
def test_a_damaged_quantized_backbone_is_made_again(kept, tmp_path, quantizations, harm):
    split = write_split(tmp_path / "split")
    openvino_engine.load(int8_on(split), 1, must_not_trace, split)
    [made] = set(kept.parent.iterdir()) - {kept}
    harm(made)
    openvino_engine.load(int8_on(split), 1, must_not_trace, split)
    assert len(quantizations) == 2
    assert set(kept.parent.iterdir()) == {kept, made}


@pytest.mark.parametrize(
    ("installed", "found"), [(None, "which is not installed"), ("3.3.0", "and 3.3.0 is installed")]
)
def test_int8_is_refused_without_the_nncf_that_it_needs(kept, tmp_path, monkeypatch, installed, found):
    def version(library: str) -> str:
        if library != "nncf":
            return of_library(library)
        if installed is None:
            raise importlib.metadata.PackageNotFoundError(library)
        return installed

    of_library = importlib.metadata.version
    monkeypatch.setattr(importlib.metadata, "version", version)
    split = write_split(tmp_path / "split")
    with pytest.raises(HuskyError) as error:
        # Another library beside those of the kept backbone converts it anew.
        engine.load(int8_on(split), 1, trace, 32, split)
    assert str(error.value) == (
        f"backbone.precision int8 needs nncf {int8.NNCF}, {found}. "
        "Install it: pip install -r requirements/int8.txt, or set backbone.precision to auto."
    )


def test_a_backbone_that_nncf_cannot_quantize_is_refused_in_int8(kept, tmp_path, monkeypatch):
    monkeypatch.setattr(int8, "quantize", not_convertible)
    split = write_split(tmp_path / "split")
    for asked in ("auto", "openvino"):
        with pytest.raises(HuskyError) as error:
            engine.load({**int8_on(split), "engine": asked}, 1, must_not_trace, 32, split)
        assert str(error.value) == FAILED


@pytest.mark.long
def test_a_training_image_that_is_not_what_the_split_lists_calibrates_nothing(kept, tmp_path):
    split = write_split(tmp_path / "split")
    (split / "cat/train_x1.jpg").write_bytes(b"other")
    with pytest.raises(HuskyError, match=r"train_x1\.jpg is not the file its manifest lists"):
        engine.load(int8_on(split), 1, must_not_trace, 32, split)


def in_int8(kept: Path, split: Path, cores: set[int], cache: Path) -> tuple[str, np.ndarray, bytes]:
    """Return (what a fresh interpreter says, features of the fixed pictures, weights that it keeps) on these cores."""
    script = """
import json, sys
import numpy as np
from pathlib import Path
from huskies.backbone import inference
from huskies.backbone import network
from huskies.backbone import engine
from huskies.backbone import openvino_engine
parameters, split = json.loads(sys.argv[1]), Path(sys.argv[2])
infer, side, size = engine.load(inference.settle(parameters, split), 2, None, 32, split)
pixels = openvino_engine.pictures(side)
np.save(sys.argv[3], np.concatenate([infer(pixels[:4]), infer(pixels[4:])]))
print(sorted({"tensorflow", "keras", "openvino_telemetry.main"} & set(sys.modules)))
"""
    folder = cache / "two-huskies/backbones"
    shutil.copytree(kept.parent, folder)
    done = subprocess.run(
        [sys.executable, "-c", script, json.dumps(INT8), str(split), str(cache / "features.npy")],
        env={**os.environ, "PYTHONPATH": str(PROJECT / "workflow"), "XDG_CACHE_HOME": str(cache)},
        preexec_fn=lambda: os.sched_setaffinity(0, cores),
        capture_output=True,
        text=True,
    )
    [made] = [path for path in folder.iterdir() if path.name != kept.name]
    with np.load(made) as file:
        return done.stdout + done.stderr, np.load(cache / "features.npy"), file["weights"].tobytes()


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lends a process fewer cores")
def test_a_backbone_is_quantized_to_the_same_bytes_on_any_cores_near_float32_silently_and_reports_to_nobody(
    kept, tmp_path
):
    split = write_split(tmp_path / "split")
    all_cores = os.sched_getaffinity(0)
    said, rounded, weights = in_int8(kept, split, {min(all_cores)}, tmp_path / "one core")
    on_all = in_int8(kept, split, all_cores, tmp_path / "all cores")
    assert said == on_all[0] == "[]\n"
    assert rounded.tobytes() == on_all[1].tobytes()
    assert weights == on_all[2]
    with np.load(kept) as file:
        assert len(weights) < 0.3 * len(file["weights"])
    exact = features(openvino_engine.pictures(32))
    assert rounded != pytest.approx(exact, abs=0.01)
    assert 0.99 < openvino_engine._least_cosine(rounded, exact) < 0.99999
