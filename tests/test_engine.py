"""The engine: what `auto` stands for, what is announced, and how a converted backbone is kept."""

import json
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from conftest import BACKBONE, PROJECT
from huskies import cache_file, digests, imports
from huskies.backbone import engine, inference, int8, network, openvino_engine
from huskies.errors import HuskyError
from huskies.images import codec, manifest

# Keras 3.15 says this of itself when it saves a model with numpy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

HAS_BFLOAT16 = "bfloat16" in openvino_engine.precisions()


@pytest.fixture(autouse=True)
def _where_the_weights_are(monkeypatch):
    monkeypatch.chdir(PROJECT)


@pytest.fixture(scope="module")
def converted(tmp_path_factory) -> Path:
    """Return a folder with the one converted backbone of these tests."""
    folder = tmp_path_factory.mktemp("converted")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(PROJECT)
        patch.setenv("XDG_CACHE_HOME", str(folder))
        openvino_engine.load(BACKBONE, 1, trace)
    return next(folder.rglob("*.npz")).parent


@pytest.fixture
def kept(converted) -> Path:
    """Return the file of the converted backbone, in this test's own cache."""
    shutil.copytree(converted, cache_file.cache_folder() / "backbones")
    return next((cache_file.cache_folder() / "backbones").iterdir())


def trace(size: int):
    return network.trace(BACKBONE, size)


def must_not_trace(size: int):
    pytest.fail("TensorFlow was asked")


def chosen(**asked: str) -> tuple[str, str]:
    """Return (engine, precision) that the parameters are settled to."""
    settled = engine.settle({**BACKBONE, **asked}, must_not_trace)
    settled_only = {"engine": settled["engine"], "precision": settled["precision"]}
    gpu = {"device": "GPU"} if settled["engine"] == "tensorflow" and engine._sees_gpu() else {}
    assert settled == {**BACKBONE, **settled_only, **gpu}
    return settled["engine"], settled["precision"]


def refusal(**asked: str) -> str:
    with pytest.raises(HuskyError) as error:
        chosen(**asked)
    return str(error.value)


def machine(monkeypatch, gpu: bool = False, native: bool = True, **cosines: float) -> None:
    """Pretend to be on a machine of this kind, where OpenVINO is as faithful as the cosines say."""
    monkeypatch.setattr(engine, "_sees_gpu", lambda: gpu)
    able = ["bfloat16", "float32"] if native else ["float32"]
    monkeypatch.setattr(openvino_engine, "precisions", lambda: able)
    perfect = {"bfloat16": 1.0, "float32": 1.0}
    monkeypatch.setattr(openvino_engine, "fidelity", lambda _, precision, __: {**perfect, **cosines}[precision])


@pytest.mark.parametrize(
    ("kind", "asked", "expected"),
    [
        ({}, {"engine": "auto", "precision": "auto"}, ("openvino", "bfloat16")),
        ({"native": False}, {"engine": "auto", "precision": "auto"}, ("openvino", "float32")),
        ({}, {"engine": "auto", "precision": "float32"}, ("openvino", "float32")),
        ({}, {"engine": "openvino", "precision": "auto"}, ("openvino", "bfloat16")),
        ({}, {"engine": "tensorflow", "precision": "auto"}, ("tensorflow", "float32")),
        ({"gpu": True}, {"engine": "auto", "precision": "auto"}, ("tensorflow", "float32")),
        ({"gpu": True}, {"engine": "auto", "precision": "float32"}, ("tensorflow", "float32")),
        ({"gpu": True}, {"engine": "auto", "precision": "bfloat16"}, ("openvino", "bfloat16")),
        ({"gpu": True}, {"engine": "openvino", "precision": "auto"}, ("openvino", "bfloat16")),
    ],
)
def test_auto_is_the_faster_one_that_the_machine_has_and_says_nothing(monkeypatch, capsys, kind, asked, expected):
    machine(monkeypatch, **kind)
    assert chosen(**asked) == expected
    assert capsys.readouterr().err == ""


def test_what_is_named_is_used_without_a_measurement(monkeypatch):
    machine(monkeypatch)
    monkeypatch.setattr(openvino_engine, "fidelity", lambda *_: pytest.fail("it was measured"))
    assert chosen(engine="openvino", precision="float32") == ("openvino", "float32")
    assert chosen(engine="openvino", precision="bfloat16") == ("openvino", "bfloat16")


@pytest.mark.parametrize(
    ("cosines", "asked", "expected", "said"),
    [
        (
            {"bfloat16": 0.99899},
            {"engine": "auto", "precision": "auto"},
            ("openvino", "float32"),
            ["OpenVINO in bfloat16 is not used: it changes features (cosine 0.99899, at least 0.999)"],
        ),
        (
            {"bfloat16": 0.5},
            {"engine": "openvino", "precision": "auto"},
            ("openvino", "float32"),
            ["OpenVINO in bfloat16 is not used: it changes features (cosine 0.50000, at least 0.999)"],
        ),
        (
            {"float32": 0.99},
            {"engine": "auto", "precision": "float32"},
            ("tensorflow", "float32"),
            ["OpenVINO in float32 is not used: it changes features (cosine 0.99000, at least 0.9999)"],
        ),
        (
            {"bfloat16": float("nan"), "float32": 0.99},
            {"engine": "auto", "precision": "auto"},
            ("tensorflow", "float32"),
            [
                "OpenVINO in bfloat16 is not used: it changes features (cosine nan, at least 0.999)",
                "OpenVINO in float32 is not used: it changes features (cosine 0.99000, at least 0.9999)",
            ],
        ),
    ],
)
def test_what_is_not_faithful_is_announced_and_not_used(monkeypatch, capsys, cosines, asked, expected, said):
    machine(monkeypatch, **cosines)
    assert chosen(**asked) == expected
    assert capsys.readouterr().err == "".join(f"backbone: {line}\n" for line in said)


def not_convertible(*_) -> float:
    raise RuntimeError("Check 'false' failed.\nNo rule for the operation Foo.")


def test_where_openvino_is_missing_tensorflow_is_used_and_it_is_announced(monkeypatch, capsys):
    monkeypatch.setattr(engine, "_sees_gpu", lambda: False)
    monkeypatch.setattr(engine, "_has_openvino", lambda: False)
    openvino_engine._core.cache_clear()
    monkeypatch.setitem(sys.modules, "openvino", None)
    assert chosen(engine="auto", precision="auto") == ("tensorflow", "float32")
    assert capsys.readouterr().err == "backbone: OpenVINO is not installed, and TensorFlow is used\n"
    for precision in ("auto", "float32", "bfloat16"):
        assert refusal(engine="openvino", precision=precision).startswith("backbone.engine: OpenVINO failed: ")


FAILED = (
    "backbone.engine: OpenVINO failed: Check 'false' failed. Run the same command again; if it fails again, "
    "set backbone.engine to tensorflow and backbone.precision to auto in params.yaml."
)


@pytest.mark.parametrize("asked", ["auto", "openvino"])
def test_an_engine_that_is_there_and_fails_stops_the_run_and_nothing_is_remembered(monkeypatch, asked):
    machine(monkeypatch, bfloat16=0.9995)
    with monkeypatch.context() as failing:
        failing.setattr(openvino_engine, "fidelity", not_convertible)
        assert refusal(engine=asked, precision="auto") == FAILED
    assert chosen(engine=asked, precision="auto") == ("openvino", "bfloat16")
    monkeypatch.setattr(openvino_engine, "load", not_convertible)
    with pytest.raises(HuskyError) as error:
        engine.load(BACKBONE, 1, must_not_trace, 32)
    assert str(error.value) == FAILED


def test_what_auto_comes_to_is_settled_once_for_a_machine_and_a_backbone(monkeypatch, capsys):
    machine(monkeypatch, bfloat16=0.5)
    assert chosen(engine="auto", precision="auto") == ("openvino", "float32")
    said = capsys.readouterr().err
    monkeypatch.setattr(openvino_engine, "fidelity", lambda *_: pytest.fail("it was measured again"))
    assert chosen(engine="auto", precision="auto") == ("openvino", "float32")
    assert capsys.readouterr().err == said != ""
    for other in ({"input_size": 64}, {"precision": "float32"}):
        with pytest.raises(pytest.fail.Exception, match="it was measured again"):
            engine.settle({**BACKBONE, "engine": "auto", "precision": "auto", **other}, must_not_trace)
    monkeypatch.setattr(openvino_engine, "processor", lambda: {"name": "another", "capabilities": []})
    with pytest.raises(pytest.fail.Exception, match="it was measured again"):
        chosen(engine="auto", precision="auto")


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"settled": {"engine": "openvino"}, "said": []}', "\x00"])
def test_a_damaged_memory_of_what_was_settled_is_measured_again(monkeypatch, content):
    machine(monkeypatch)
    for _ in range(2):
        assert chosen(engine="auto", precision="auto") == ("openvino", "bfloat16")
        [kept] = (cache_file.cache_folder() / "settled").iterdir()
        kept.write_text(content)


def test_bfloat16_by_name_is_refused_where_the_processor_has_none(monkeypatch):
    machine(monkeypatch, native=False)
    for asked in ("auto", "openvino"):
        assert refusal(engine=asked, precision="bfloat16") == (
            "backbone.precision: this processor has no bfloat16. Set it to auto or float32."
        )


def test_a_mistake_in_the_parameters_is_no_reason_for_another_engine(monkeypatch, capsys):
    machine(monkeypatch)
    monkeypatch.setattr(openvino_engine, "fidelity", lambda *_: must_mend())
    for asked in ("auto", "openvino"):
        assert refusal(engine=asked, precision="auto") == "Fix it."
    assert capsys.readouterr().err == ""


def must_mend():
    raise HuskyError("Fix it.")


def test_tensorflow_is_not_imported_to_look_for_a_gpu_without_a_driver(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    monkeypatch.setattr(engine, "_DRIVERS", (Path("/nowhere"),))
    assert not engine._sees_gpu()


def features(pixels: np.ndarray, precision: str = "float32", cores: int = 1) -> np.ndarray:
    """Return what OpenVINO makes of pixels in a kept backbone, without TensorFlow."""
    infer, side = openvino_engine.load({**BACKBONE, "precision": precision}, cores, must_not_trace)
    assert side == 32
    return np.concatenate([infer(pixels[start : start + 4]) for start in range(0, len(pixels), 4)])


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
    infer, _ = openvino_engine.load({**BACKBONE, "precision": precision}, 3, must_not_trace)
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


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1000])


def flip_a_bit_of_the_weights(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


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
    infer, side = openvino_engine.load(BACKBONE, 1, trace)
    assert infer(openvino_engine.pictures(side)[:4]).shape == (4, 512)


def test_the_backbones_that_were_not_used_for_longest_are_forgotten(tmp_path):
    for number in range(12):
        openvino_engine._keep(tmp_path / f"{number}.npz", {"xml": np.zeros(1)})
        os.utime(tmp_path / f"{number}.npz", (number, number))
    openvino_engine._keep(tmp_path / "new.npz", {"xml": np.zeros(1)})
    assert {path.stem for path in tmp_path.iterdir()} == {"new", *map(str, range(3, 12))}


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
    monkeypatch.setattr(int8, "quantize", lambda model, split: asked.append(split) or model)
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
            raise int8.importlib.metadata.PackageNotFoundError(library)
        return installed

    of_library = int8.importlib.metadata.version
    monkeypatch.setattr(int8.importlib.metadata, "version", version)
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


def test_a_failure_does_not_wait_for_what_is_ahead(tmp_path, monkeypatch):
    done = []

    def infer(batch: np.ndarray) -> np.ndarray:
        time.sleep(0.01)
        done.append(len(batch))
        return np.zeros((len(batch), 3), np.float32)

    monkeypatch.setattr(engine, "load", lambda *_: (infer, 32, 1))
    jpeg = tmp_path / "cat.jpg"
    jpeg.write_bytes(codec.encode(openvino_engine.pictures(32)[0], 95))
    sound = (jpeg, codec.sha256(jpeg.read_bytes()))
    with pytest.raises(HuskyError, match="is not the file its manifest lists"):
        list(inference.compute(BACKBONE, [(jpeg, "of another"), *[sound] * 100], 1))
    assert len(done) < 20
    assert sum(len(features) for _, features in inference.compute(BACKBONE, [sound] * 100, 1)) == 100
