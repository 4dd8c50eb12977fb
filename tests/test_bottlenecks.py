"""Bottlenecks: what the backbone makes of the pixels, once per image, known by content and never by name."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import BACKBONE, PROJECT, bare_job
from huskies import cache_file, digests, imports, outputs, receipt, stage_folder
from huskies.backbone import architectures, identity, inference, int8, kept, network, store, tensorflow_setup, weights
from huskies.backbone.features import images_of, load_features
from huskies.errors import HuskyError
from huskies.images import codec, manifest
from huskies.job import Job
from huskies.planning import plan
from huskies.steps import bottlenecks
from PIL import Image

# Keras 3.15 says this of itself when it saves a model with numpy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

CODE = list(plan.code("bottlenecks_original", imports.Package()))


@pytest.fixture(scope="session", autouse=True)
def _tensorflow():
    tensorflow_setup.load_tensorflow()


@pytest.fixture(scope="session")
def converted(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("converted")


@pytest.fixture(autouse=True)
def _each_backbone_is_converted_once(_own_cache, converted):
    """Share converted backbones among tests, since each takes seconds; the rest of the cache is the test's own."""
    folder = cache_file.cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "backbones").symlink_to(converted)


@pytest.fixture(autouse=True)
def _where_the_weights_are(tmp_path, monkeypatch):
    """Work in a folder of its own that has the project's backbones."""
    (tmp_path / "backbones").mkdir()
    shutil.copy(PROJECT / "backbones/mini.weights.h5", tmp_path / "backbones")
    monkeypatch.chdir(tmp_path)


def picture(number: int, side: int = 40) -> bytes:
    """Return a JPEG of blocks of colour, another one for each number."""
    blocks = np.random.default_rng(number).integers(0, 256, (5, 5, 3), dtype=np.uint8)
    pixels = np.asarray(Image.fromarray(blocks).resize((side, side), Image.Resampling.NEAREST))
    return codec.encode(pixels, 95)


def write_images(folder: Path, files: dict[str, bytes]) -> Path:
    """Fill a folder with images and their manifest; the split is the prefix of the name."""
    folder.mkdir(exist_ok=True)
    rows = []
    for file, content in files.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(content)
        label, name = file.split("/")
        sha256 = codec.sha256(content)
        rows.append(
            {"file": file, "label": label, "split": name.split("_")[0], "source_sha256": sha256, "sha256": sha256}
        )
    manifest.write(manifest.make(rows), folder / manifest.NAME)
    return folder


def some_images(count: int, first: int = 0) -> dict[str, bytes]:
    return {f"cat/train_{number:03}.jpg": picture(number) for number in range(first, first + count)}


def make_job(
    source: Path, output: str = "out", stage: str = "bottlenecks_original", cores: int = 1, **more: Any
) -> Job:
    parameters = {**BACKBONE, **more}
    Path(output).mkdir()
    weights = Path("backbones", parameters["weights"])
    return bare_job(
        stage=stage,
        params={"backbone": parameters, "convert": {"max_side": 400}},
        inputs={"split": source.with_name("split"), "augment": source}
        if stage == "bottlenecks_augmented"
        else {"split": source},
        files={str(weights): digests.file_digest(weights)} if weights.is_file() else {},
        code=dict.fromkeys(CODE, "0"),
        libraries={"keras": "1", "tensorflow": "1"},
        output=Path(output),
        cores=cores,
    )


def rows_of(job: Job) -> dict[str, np.ndarray]:
    """Return the features of each file."""
    index = manifest.read(job.output / outputs.INDEX)
    return dict(zip(index["file"], np.load(job.output / outputs.FEATURES), strict=True))


def forget() -> None:
    """Delete the store of bottlenecks."""
    for path in cache_file.cache_folder().glob(f"{store.NAME}*"):
        path.unlink()


def identity_of(job: Job) -> str:
    return identity.of(job, job.params["backbone"])


def finished(job: Job) -> Path:
    """Give the output of a job the receipt that the runner gives it."""
    receipt.write(job.output, {"stage": job.stage})
    return job.output


def refusal(job: Job) -> str:
    with pytest.raises(HuskyError) as error:
        bottlenecks.run(job)
    return str(error.value)


def plain_keras(files: dict[str, bytes], layer: str | None = None, side: int = 32) -> np.ndarray:
    """Return what Keras' own predict makes of the same pixels, with Keras' own preprocessing."""
    import keras

    model = keras.applications.MobileNet(
        alpha=0.5, weights=None, include_top=False, pooling=None if layer else "avg", input_shape=(side, side, 3)
    )
    model.load_weights("backbones/mini.weights.h5")
    if layer:
        model = keras.Model(model.input, model.get_layer(layer).output)
    pixels = np.stack([codec.resize(codec.decode(content), side) for content in files.values()]).astype(np.float32)
    features = model.predict(keras.applications.mobilenet.preprocess_input(pixels), verbose=0)
    return features.mean(axis=(1, 2)) if layer else features


def test_rows_are_what_keras_predicts_of_the_same_pixels(tmp_path):
    files = some_images(5)
    job = make_job(write_images(tmp_path / "split", files))
    assert bottlenecks.run(job) == "computed 5, reused 0 bottlenecks of 512 features"
    features = np.load(job.output / outputs.FEATURES)
    assert features.dtype == np.float32
    assert features == pytest.approx(plain_keras(files), abs=1e-5)
    assert len({row.tobytes() for row in features}) == 5


def test_the_index_says_whose_rows_they_are(tmp_path):
    files = {**some_images(2), "dog/val_x.jpg": picture(7)}
    job = make_job(write_images(tmp_path / "split", files))
    bottlenecks.run(job)
    index = manifest.read(job.output / outputs.INDEX)
    assert list(index.columns) == ["file", "label", "split", "source_sha256", "copy", "sha256"]
    assert index["file"].tolist() == ["cat/train_000.jpg", "cat/train_001.jpg", "dog/val_x.jpg"]
    assert index["sha256"].tolist() == [codec.sha256(content) for content in files.values()]
    assert index["split"].tolist() == ["train", "train", "val"]


@pytest.mark.parametrize(
    "chosen",
    [
        {"engine": "auto", "precision": "auto"},
        {"engine": "openvino", "precision": "float32"},
        {"engine": "tensorflow", "precision": "auto"},
    ],
    ids=["auto", "OpenVINO", "TensorFlow"],
)
def test_rows_have_the_same_bits_on_any_cores_in_any_order_and_company(tmp_path, chosen):
    files = some_images(70)
    first = make_job(write_images(tmp_path / "split", files), "one core", **chosen)
    bottlenecks.run(first)
    forget()
    second = make_job(tmp_path / "split", "more cores", cores=3, **chosen)
    assert bottlenecks.run(second) == "computed 70, reused 0 bottlenecks of 512 features"
    expected = rows_of(first)
    assert {file: row.tobytes() for file, row in rows_of(second).items()} == {
        file: row.tobytes() for file, row in expected.items()
    }
    forget()
    few = {f"dog/val_{70 - number}.jpg": picture(number) for number in (69, 3, 41)}
    third = make_job(write_images(tmp_path / "other", few), "few", **chosen)
    bottlenecks.run(third)
    for file, row in rows_of(third).items():
        number = 70 - int(file.removeprefix("dog/val_").removesuffix(".jpg"))
        assert row.tobytes() == expected[f"cat/train_{number:03}.jpg"].tobytes()


def test_a_second_run_computes_nothing_and_makes_the_same_bytes(tmp_path):
    source = write_images(tmp_path / "split", some_images(4))
    first, second = make_job(source, "first"), make_job(source, "second")
    bottlenecks.run(first)
    assert bottlenecks.run(second) == "computed 0, reused 4 bottlenecks of 512 features"
    for name in ("features.npy", "index.csv", "identity.json"):
        assert (second.output / name).read_bytes() == (first.output / name).read_bytes()


def test_new_images_cost_only_themselves_and_copies_of_one_file_are_computed_once(tmp_path):
    bottlenecks.run(make_job(write_images(tmp_path / "few", some_images(3)), "first"))
    more = {**some_images(5), "cat/train_twin.jpg": picture(4)}
    job = make_job(write_images(tmp_path / "more", more), "second")
    assert bottlenecks.run(job) == "computed 2, reused 4 bottlenecks of 512 features"
    rows = rows_of(job)
    assert (rows["cat/train_twin.jpg"] == rows["cat/train_004.jpg"]).all()


def test_other_bytes_under_the_same_name_have_other_features(tmp_path):
    bottlenecks.run(make_job(write_images(tmp_path / "split", {"cat/train_a.jpg": picture(1)}), "last week"))
    changed = {"cat/train_a.jpg": picture(2)}
    job = make_job(write_images(tmp_path / "split", changed), "today")
    assert bottlenecks.run(job) == "computed 1, reused 0 bottlenecks of 512 features"
    assert rows_of(job)["cat/train_a.jpg"] == pytest.approx(plain_keras(changed)[0], abs=1e-5)


def test_another_name_for_the_same_bytes_costs_nothing(tmp_path):
    bottlenecks.run(make_job(write_images(tmp_path / "split", some_images(2)), "first"))
    renamed = {f"wolf/val_{number}.jpg": picture(number) for number in range(2)}
    job = make_job(write_images(tmp_path / "renamed", renamed), "second")
    assert bottlenecks.run(job) == "computed 0, reused 2 bottlenecks of 512 features"


def test_a_file_that_is_not_what_its_manifest_lists_is_refused(tmp_path):
    source = write_images(tmp_path / "split", some_images(3))
    (source / "cat/train_001.jpg").write_bytes(picture(9))
    assert refusal(make_job(source)) == (
        f"{source}/cat/train_001.jpg is not the file its manifest lists. "
        f"Delete {source} and run the same command again."
    )


@pytest.mark.parametrize(
    "change",
    [
        {"params": {"backbone": {**BACKBONE, "input_size": 64}}},
        {"params": {"backbone": {**BACKBONE, "layer": "conv_pw_6_relu"}}},
        {"params": {"backbone": {**BACKBONE, "engine": "tensorflow"}}},
        {"params": {"backbone": {**BACKBONE, "precision": "bfloat16"}}},
        {"params": {"backbone": {**BACKBONE, "calibration": {"images": "1"}}}},
        {"files": {"backbones/mini.weights.h5": "0" * 64}},
        {"libraries": {"keras": "2", "tensorflow": "1"}},
    ],
    ids=["input size", "layer", "engine", "precision", "calibration", "weights", "library"],
)
def test_whatever_shapes_features_is_part_of_their_identity(tmp_path, change):
    job = make_job(write_images(tmp_path / "split", {}))
    assert identity_of(replace(job, output=tmp_path / "elsewhere", cores=2)) == identity_of(job)
    assert identity_of(replace(job, **change)) != identity_of(job)


def test_the_identity_names_what_auto_stood_for_and_what_is_named_so_shares_its_rows(tmp_path):
    source = write_images(tmp_path / "split", some_images(2))
    first = make_job(source, "first", engine="auto", precision="auto")
    bottlenecks.run(first)
    described = json.loads((first.output / identity.NAME).read_text())["backbone"]
    assert described == inference.settle(first.params["backbone"])
    assert described["engine"] in ("openvino", "tensorflow")
    assert described["precision"] in ("bfloat16", "float32")
    named = {each: described[each] for each in ("engine", "precision")}
    assert bottlenecks.run(make_job(source, "second", **named)).startswith("computed 0, reused 2 ")


def test_all_three_stages_calibrate_int8_on_the_same_training_images_and_open_no_others(tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr(int8, "quantize", lambda model, split: opened.append(split) or model)
    source = write_images(
        tmp_path / "split", {**some_images(2), "dog/val_x.jpg": picture(7), "dog/test_x.jpg": picture(8)}
    )
    copies = write_images(tmp_path / "augment", {"cat/train_000_0.jpg": picture(9)})
    found = set()
    for stage in ("bottlenecks_original", "bottlenecks_augmented", "bottlenecks_test"):
        job = make_job(copies if stage == "bottlenecks_augmented" else source, stage, stage, precision="int8")
        bottlenecks.run(job)
        found.add((job.output / identity.NAME).read_text())
    [described] = found
    assert json.loads(described)["backbone"]["calibration"] == int8.calibration(source)
    # Once for the three of them: it is kept.
    assert opened == [source]


def test_int8_on_other_training_images_shares_no_rows_whatever_is_held_out(tmp_path, monkeypatch):
    monkeypatch.setattr(int8, "quantize", lambda model, split: model)

    def said(name: str, files: dict[str, bytes]) -> str:
        return bottlenecks.run(make_job(write_images(tmp_path / name, files), f"of {name}", precision="int8"))

    few = some_images(3)
    assert said("first", few).startswith("computed 3, reused 0 ")
    held_out = {"dog/val_x.jpg": picture(7), "dog/test_x.jpg": picture(8)}
    assert said("more held out", few | held_out).startswith("computed 1, reused 3 ")
    assert said("more to train on", few | some_images(4)).startswith("computed 4, reused 0 ")


def test_features_of_another_identity_are_not_reused(tmp_path):
    source = write_images(tmp_path / "split", some_images(2))
    first = make_job(source, "first")
    bottlenecks.run(first)
    second = replace(make_job(source, "second", layer="conv_pw_6_relu"), previous=finished(first))
    assert bottlenecks.run(second) == "computed 2, reused 0 bottlenecks of 256 features"


def test_code_that_only_moves_rows_about_does_not_count(tmp_path):
    source = write_images(tmp_path / "split", some_images(2))
    bottlenecks.run(make_job(source, "first"))
    moved = replace(make_job(source, "second"), code={**dict.fromkeys(CODE, "0"), "workflow/huskies/restore.py": "1"})
    assert bottlenecks.run(moved).startswith("computed 0, reused 2 ")


def test_the_last_output_stands_in_for_the_store(tmp_path):
    first = make_job(write_images(tmp_path / "few", some_images(3)), "first")
    bottlenecks.run(first)
    forget()
    second = replace(make_job(write_images(tmp_path / "more", some_images(4)), "second"), previous=finished(first))
    assert bottlenecks.run(second) == "computed 1, reused 3 bottlenecks of 512 features"
    before, after = rows_of(first), rows_of(second)
    assert all((after[file] == row).all() for file, row in before.items())


def change_a_number(folder: Path) -> None:
    features = np.load(folder / outputs.FEATURES)
    features[0, 0] += 1
    np.save(folder / outputs.FEATURES, features)


def swap_two_rows(folder: Path) -> None:
    path = folder / outputs.INDEX
    header, one, other, *rest = path.read_text().splitlines()
    path.write_text("\n".join([header, other, one, *rest]) + "\n")


@pytest.mark.parametrize(
    "harm",
    [
        change_a_number,
        swap_two_rows,
        lambda folder: (folder / outputs.FEATURES).unlink(),
        lambda folder: (folder / identity.NAME).unlink(),
        lambda folder: [path.unlink() for path in folder.glob("receipt-*.json")],
    ],
    ids=["another number", "rows swapped", "no features", "no identity", "no receipt"],
)
def test_nothing_is_taken_from_a_damaged_output(tmp_path, harm):
    job = make_job(write_images(tmp_path / "split", some_images(3)))
    _, rows = images_of(job.stage, job.inputs)
    np.save(job.output / outputs.FEATURES, np.arange(12, dtype=np.float32).reshape(3, 4))
    rows.to_csv(job.output / outputs.INDEX, index=False)
    described = identity_of(job)
    (job.output / identity.NAME).write_text(described)
    finished(job)
    taken = kept.previous_rows(job.output, described)
    assert {sha256: row.tolist() for sha256, row in taken.items()} == {
        sha256: [4 * number, 4 * number + 1, 4 * number + 2, 4 * number + 3]
        for number, sha256 in enumerate(rows["sha256"])
    }
    assert kept.previous_rows(job.output, described.replace("float32", "bfloat16")) == {}
    harm(job.output)
    assert kept.previous_rows(job.output, described) == {}


def test_rows_come_in_any_order_and_lie_as_numpy_would_save_them(tmp_path):
    features = np.random.default_rng(0).random((5, 7), np.float32)
    features[4] = features[1]
    of_images = pd.Series(["d", "b", "a", "c", "b"])
    with open(tmp_path / "table.npy", "wb") as file:
        table = kept._Table(file, of_images)
        table.take((name, features[list(of_images).index(name)]) for name in "ab")
        assert table.filled.tolist() == [False, True, True, False, True]
        table.take((name, features[list(of_images).index(name)]) for name in "cd")
        table.end()
    np.save(tmp_path / "saved.npy", features)
    assert (tmp_path / "table.npy").read_bytes() == (tmp_path / "saved.npy").read_bytes()


def test_rows_of_a_damaged_output_are_computed_again(tmp_path):
    source = write_images(tmp_path / "split", some_images(3))
    first = make_job(source, "first")
    bottlenecks.run(first)
    expected = (first.output / outputs.FEATURES).read_bytes()
    forget()
    change_a_number(finished(first))
    second = replace(make_job(source, "second"), previous=first.output)
    assert bottlenecks.run(second) == "computed 3, reused 0 bottlenecks of 512 features"
    assert (second.output / outputs.FEATURES).read_bytes() == expected


def test_each_stage_has_its_own_images_and_test_images_are_only_in_one(tmp_path):
    files = {"cat/train_a.jpg": picture(1), "cat/val_b.jpg": picture(2), "cat/test_c.jpg": picture(3)}
    source = write_images(tmp_path / "split", files)
    copies = write_images(tmp_path / "augment", {"cat/train_a_0.jpg": picture(4), "cat/train_a_1.jpg": picture(5)})
    seen = {}
    for stage in ("bottlenecks_original", "bottlenecks_augmented", "bottlenecks_test"):
        job = make_job(copies if stage == "bottlenecks_augmented" else source, stage, stage)
        bottlenecks.run(job)
        seen[stage] = list(rows_of(job))
    assert seen == {
        "bottlenecks_original": ["cat/train_a.jpg", "cat/val_b.jpg"],
        "bottlenecks_augmented": ["cat/train_a_0.jpg", "cat/train_a_1.jpg"],
        "bottlenecks_test": ["cat/test_c.jpg"],
    }


def test_no_images_make_no_rows(tmp_path):
    job = make_job(write_images(tmp_path / "split", some_images(1)), stage="bottlenecks_test")
    assert bottlenecks.run(job) == "computed 0, reused 0 bottlenecks of 0 features"
    index, features = load_features(job.output, manifest.make([]))
    assert len(index) == len(features) == 0


def test_the_bottleneck_can_be_taken_at_a_layer(tmp_path):
    files = some_images(3)
    job = make_job(write_images(tmp_path / "split", files), layer="conv_pw_6_relu")
    assert bottlenecks.run(job) == "computed 3, reused 0 bottlenecks of 256 features"
    assert np.load(job.output / outputs.FEATURES) == pytest.approx(plain_keras(files, "conv_pw_6_relu"), abs=1e-5)


def test_the_bottlenecks_of_several_layers_stand_one_after_the_other(tmp_path):
    files, layers = some_images(3), ["conv_pw_13_relu", "conv_pw_6_relu"]
    job = make_job(write_images(tmp_path / "split", files), layer=layers)
    assert bottlenecks.run(job) == "computed 3, reused 0 bottlenecks of 768 features"
    expected = np.concatenate([plain_keras(files, layer) for layer in layers], axis=1)
    assert np.load(job.output / outputs.FEATURES) == pytest.approx(expected, abs=1e-5)


def test_a_list_of_one_layer_is_that_layer(tmp_path):
    source = write_images(tmp_path / "split", some_images(3))
    one, listed = (make_job(source, str(layer), layer=layer) for layer in ("conv_pw_6_relu", ["conv_pw_6_relu"]))
    bottlenecks.run(one)
    assert bottlenecks.run(listed) == "computed 3, reused 0 bottlenecks of 256 features"
    assert np.array_equal(*(np.load(job.output / outputs.FEATURES) for job in (one, listed)))


def test_weights_that_end_at_the_layer_fit_too(tmp_path):
    import keras

    whole = keras.applications.MobileNet(alpha=0.5, weights=None, include_top=False, input_shape=(32, 32, 3))
    whole.load_weights("backbones/mini.weights.h5")
    keras.Model(whole.input, whole.get_layer("conv_pw_6_relu").output).save_weights("backbones/lower.weights.h5")
    files = some_images(2)
    source = write_images(tmp_path / "split", files)
    job = make_job(source, layer="conv_pw_6_relu", weights="lower.weights.h5")
    bottlenecks.run(job)
    assert np.load(job.output / outputs.FEATURES) == pytest.approx(plain_keras(files, "conv_pw_6_relu"), abs=1e-5)
    assert refusal(make_job(source, "whole", weights="lower.weights.h5")).startswith(
        "backbone.weights: backbones/lower.weights.h5 does not fit MobileNet as params.yaml describes it: "
    )


@pytest.mark.parametrize(
    ("layer", "nearest"),
    [("conv_pw_6_rely", " Did you mean 'conv_pw_6_relu'?"), ("mixed8", "")],
)
def test_an_unknown_layer_is_refused_with_the_nearest_one(tmp_path, layer, nearest):
    job = make_job(write_images(tmp_path / "split", some_images(1)), layer=layer)
    assert refusal(job) == f"backbone.layer: MobileNet has no layer '{layer}'.{nearest}"


def test_missing_weights_are_named(tmp_path):
    job = make_job(write_images(tmp_path / "split", some_images(1)), weights="none.weights.h5")
    assert refusal(job) == (
        "backbone.weights: there is no file backbones/none.weights.h5. Put it there, or choose another in params.yaml."
    )


def weights_of_another_network() -> None:
    import keras

    other = keras.applications.MobileNet(alpha=0.25, weights=None, include_top=False, input_shape=(32, 32, 3))
    other.save_weights("backbones/wrong.weights.h5")


@pytest.mark.parametrize(
    "write",
    [
        weights_of_another_network,
        lambda: Path("backbones/wrong.weights.h5").write_text("no weights"),
        lambda: Path("backbones/wrong.weights.h5").write_bytes(b""),
        lambda: Path("backbones/wrong.weights.h5").write_bytes(Path("backbones/mini.weights.h5").read_bytes()[:99999]),
    ],
    ids=["of another network", "text", "empty", "cut short"],
)
def test_weights_that_do_not_fit_are_refused_in_one_line(tmp_path, write):
    write()
    message = refusal(make_job(write_images(tmp_path / "split", some_images(1)), weights="wrong.weights.h5"))
    start = "backbone.weights: backbones/wrong.weights.h5 does not fit MobileNet as params.yaml describes it: "
    assert message.startswith(start)
    assert message.endswith(". Choose the weights, name, arguments and layer that belong together.")
    assert "\n" not in message
    assert len(message) > len(start) + 80


def test_a_file_of_another_kind_is_refused(tmp_path):
    Path("backbones/weights.txt").write_text("no weights")
    message = refusal(make_job(write_images(tmp_path / "split", some_images(1)), weights="weights.txt"))
    assert message == (
        "backbone.weights: backbones/weights.txt is no file of weights: their names end in .h5, .hdf5, .keras. "
        "Choose another."
    )


@pytest.mark.parametrize("input_size", [32, None])
@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"alfa": 0.5}, "MobileNet() got an unexpected keyword argument 'alfa'"),
        ({"weights": "x"}, "got multiple values for keyword argument 'weights'"),
        ({"include_top": True}, "got multiple values for keyword argument 'include_top'"),
    ],
)
def test_arguments_that_do_not_fit_the_architecture_are_refused(tmp_path, arguments, reason, input_size):
    job = make_job(write_images(tmp_path / "split", some_images(1)), arguments=arguments, input_size=input_size)
    message = refusal(job)
    assert message.startswith("backbone: MobileNet cannot be built: ")
    assert message.endswith(f"{reason}. Fix 'backbone' in params.yaml.")


def test_the_architectures_are_those_of_keras():
    import keras

    known = architectures.modules()
    expected = {name for name, each in vars(keras.applications).items() if callable(each) and not name.startswith("_")}
    assert set(known) == expected
    for name, module in known.items():
        assert getattr(keras.applications, module).preprocess_input is not None, name
    assert known["MobileNetV2"] == "mobilenet_v2"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("MobileNet", [-1.0, 0.0, 1.0]),
        ("InceptionV3", [-1.0, 0.0, 1.0]),
        ("DenseNet121", [(0 - 0.406) / 0.225, (0.5 - 0.406) / 0.225, (1 - 0.406) / 0.225]),
        ("EfficientNetB0", [0.0, 127.5, 255.0]),
        ("ResNet50", [0 - 123.68, 127.5 - 123.68, 255 - 123.68]),
    ],
)
def test_each_architecture_has_its_own_preprocessing(name, expected):
    pixels = np.array([0.0, 127.5, 255.0], np.float32)[None, :, None, None].repeat(3, axis=3)
    done = network.preprocessing(name)(pixels)
    assert done.dtype == np.float32
    blue = done[0, :, 0, 2]
    assert blue == pytest.approx(np.array(expected), abs=1e-3)


@pytest.mark.parametrize("name", ["EfficientNetB1", "EfficientNetV2B0", "InceptionV3", "MobileNetV2", "NASNetMobile"])
def test_the_own_side_of_an_architecture_is_known_without_keras(name):
    import keras

    architecture = getattr(keras.applications, name)
    assert architectures.own_side(name) == architecture(weights=None).input_shape[1]


@pytest.mark.long
def test_the_own_side_of_every_architecture_is_known_without_keras():
    import keras

    for name in architectures.modules():
        # ConvNeXt has no fixed input, and is trained on 224.
        side = getattr(keras.applications, name)(weights=None).input_shape[1]
        assert architectures.own_side(name) == (side or 224), name
        keras.backend.clear_session()


@pytest.mark.parametrize(
    ("name", "input_size", "max_side", "seen"),
    [
        ("MobileNetV2", None, 224, None),
        ("MobileNetV2", None, 223, 224),
        ("MobileNetV2", 448, 400, 448),
        ("EfficientNetB7", None, 400, 600),
        ("EfficientNetB7", None, 0, None),
        ("InceptionV3", None, 400, None),
    ],
)
def test_a_backbone_that_sees_more_pixels_than_are_kept_is_a_warning(name, input_size, max_side, seen):
    said = [
        f"the backbone sees {seen} pixels a side, and convert.max_side keeps {max_side} of larger photos: "
        f"set it to {seen} or more in params.yaml"
    ]
    assert bottlenecks.too_few_pixels({"name": name, "input_size": input_size}, max_side) == (said if seen else [])


def test_the_warning_stands_below_the_summary_of_the_originals(tmp_path):
    source = write_images(Path("split"), some_images(1))
    job = make_job(source)
    small = replace(job, params={**job.params, "convert": {"max_side": 31}})
    assert bottlenecks.run(small) == (
        "computed 1, reused 0 bottlenecks of 512 features\n"
        "  the backbone sees 32 pixels a side, and convert.max_side keeps 31 of larger photos: "
        "set it to 32 or more in params.yaml"
    )


def test_the_side_of_the_input_is_the_architectures_own_unless_given():
    model, side = network.build({**BACKBONE, "input_size": None})
    assert side == 224
    assert model.input_shape == (None, 224, 224, 3)
    assert network.build(BACKBONE)[1] == 32


def test_features_that_are_not_finite_are_refused_with_the_files(tmp_path):
    import keras

    broken = keras.applications.MobileNet(alpha=0.5, weights=None, include_top=False, input_shape=(32, 32, 3))
    broken.set_weights([np.full(each.shape, np.nan, np.float32) for each in broken.get_weights()])
    broken.save_weights("backbones/nan.weights.h5")
    source = write_images(tmp_path / "split", some_images(7))
    named = ", ".join(f"{source}/cat/train_00{number}.jpg" for number in range(5))
    assert refusal(make_job(source, weights="nan.weights.h5", engine="tensorflow")) == (
        f"the backbone gives no finite features for {named} and 2 more. Choose other weights in params.yaml."
    )
    for engine in ("openvino", "auto"):
        assert refusal(make_job(source, engine, weights="nan.weights.h5", engine=engine)) == (
            "the backbone gives no finite features. Choose other weights in params.yaml."
        )


def compute_in_a_process(parameters: dict[str, Any], files: list[tuple[Path, str]], **environment: str) -> Any:
    """Return what a fresh interpreter says: the features as lists, or the message of the HuskyError."""
    script = """
import json, sys
from pathlib import Path
from huskies.backbone import tensorflow_setup
from huskies.backbone import inference
from huskies.backbone import network
from huskies.backbone.features import images_of
from huskies.backbone.features import load_features
from huskies.errors import HuskyError
from huskies.backbone.features import images_of
from huskies.backbone.features import load_features

parameters, files = json.loads(sys.argv[1])
try:
    batches = inference.compute(parameters, [(Path(path), sha256) for path, sha256 in files], 1)
    said = [row.tolist() for _, features in batches for row in features]
except HuskyError as error:
    said = str(error)
print(json.dumps({"said": said}))
"""
    asked = json.dumps([parameters, [(str(path), sha256) for path, sha256 in files]])
    done = subprocess.run(
        [sys.executable, "-c", script, asked],
        env={**os.environ, "PYTHONPATH": str(PROJECT / "workflow"), **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])["said"]


def test_weights_in_keras_folder_that_are_cut_short_are_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    path = tmp_path / "models/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5"
    path.parent.mkdir()
    path.write_bytes(b"half of it")
    weights.verify("MobileNet")
    with pytest.raises(HuskyError) as refused:
        weights.verify("MobileNetV2")
    assert str(refused.value) == (
        f"backbone.weights: {path} is not what Keras offers: cut short, or another network's. Delete it, and run the "
        "same command again."
    )


@pytest.mark.long
def test_imagenet_weights_without_a_network_name_the_file_to_put_where(tmp_path):
    nobody = "http://127.0.0.1:9"
    said = compute_in_a_process(
        {**BACKBONE, "weights": "imagenet", "input_size": 224},
        [],
        KERAS_HOME=str(tmp_path / "keras"),
        https_proxy=nobody,
        HTTPS_PROXY=nobody,
        no_proxy="",
        NO_PROXY="",
    )
    assert said == (
        "backbone.weights: the ImageNet weights of MobileNet could not be downloaded. Put them into "
        f"{tmp_path}/keras/models/mobilenet_5_0_224_tf_no_top.h5 by hand, "
        "or set backbone.weights to a file in backbones/."
    )


def flowers(shared: Path, folder: Path, side: int) -> tuple[list[tuple[Path, str]], np.ndarray]:
    """Return (four of the article's photos as JPEGs, with their sha256; their pixels, float32)."""
    files, pixels = [], []
    for number in (1, 52, 113, 208):
        jpeg = codec.encode(codec.decode((shared / f"data/flowers/{number:04}.png").read_bytes()), 95)
        path = folder / f"{number}.jpg"
        path.write_bytes(jpeg)
        files.append((path, codec.sha256(jpeg)))
        pixels.append(codec.resize(codec.decode(jpeg), side))
    return files, np.stack(pixels).astype(np.float32)


@pytest.mark.shared
@pytest.mark.long
def test_imagenet_weights_are_taken_from_where_keras_keeps_them(tmp_path):
    import keras

    models = Path(os.environ["HUSKIES_SHARED"]) / "keras/models"
    (tmp_path / "keras").mkdir()
    (tmp_path / "keras/models").symlink_to(models)
    files, pixels = flowers(models.parent.parent, tmp_path, 224)
    network = {"name": "MobileNetV2", "arguments": {}, "weights": "imagenet", "layer": None, "input_size": None}
    parameters = {**network, "engine": "auto", "precision": "float32"}
    features = np.array(compute_in_a_process(parameters, files, KERAS_HOME=str(tmp_path / "keras")))

    [weights] = models.glob("mobilenet_v2_*_1.0_224_no_top.h5")
    plain = keras.applications.MobileNetV2(
        weights=str(weights), include_top=False, pooling="avg", input_shape=(224, 224, 3)
    )
    expected = plain.predict(keras.applications.mobilenet_v2.preprocess_input(pixels), verbose=0)
    assert features.shape == (4, 1280)
    assert features == pytest.approx(expected, abs=1e-4)


@pytest.mark.shared
@pytest.mark.long
def test_inception_is_cut_at_mixed8_with_weights_that_end_there(tmp_path):
    import keras

    shared = Path(os.environ["HUSKIES_SHARED"])
    name = "inception_v3_notop_to_mixed8.weights.h5"
    (tmp_path / "backbones" / name).symlink_to(shared / "weights" / name)
    files, pixels = flowers(shared, tmp_path, 299)
    network = {"name": "InceptionV3", "arguments": {}, "weights": name, "layer": "mixed8", "input_size": None}
    parameters = {**network, "engine": "auto", "precision": "float32"}
    features = np.concatenate([each for _, each in inference.compute(parameters, files, 2)])

    base = keras.applications.InceptionV3(weights=None, include_top=False, input_shape=(299, 299, 3))
    plain = keras.Model(base.input, base.get_layer("mixed8").output)
    plain.load_weights(shared / "weights" / name)
    expected = plain.predict(keras.applications.inception_v3.preprocess_input(pixels), verbose=0).mean(axis=(1, 2))
    assert features.shape == (4, 1280)
    assert features == pytest.approx(expected, abs=1e-4)


STAGE = "bottlenecks_original"
FOLDER = Path("data", STAGE)
BUILDING = f"data/.{STAGE}-0123456789abcdef"


def dvc(*arguments: str, folder: Path = Path()) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "dvc", *arguments, "--quiet"], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def record_output(job: Job) -> None:
    """Finish the output of a job, put it in its place, have DVC record it, and remove it as DVC does."""
    finished(job).rename(FOLDER)
    Path("dvc.yaml").write_text(f"stages:\n  {STAGE}:\n    cmd: 'true'\n    outs: [{FOLDER}]\n")
    dvc("commit", "--force", STAGE)
    shutil.rmtree(FOLDER)


@pytest.fixture(scope="module")
def recorded_once(tmp_path_factory) -> Path:
    """A DVC repository whose dvc.lock records the bottlenecks of three images, their folder removed, and a remote."""
    folder = tmp_path_factory.mktemp("recorded") / "workspace"
    (folder / "backbones").mkdir(parents=True)
    shutil.copy(PROJECT / "backbones/mini.weights.h5", folder / "backbones")
    (folder / "data").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("XDG_CACHE_HOME", str(folder.parent / "cache"))
        subprocess.run(["git", "init", "--quiet"], check=True)
        dvc("init")
        job = make_job(write_images(folder / "data/split", some_images(3)), BUILDING)
        assert bottlenecks.run(job) == "computed 3, reused 0 bottlenecks of 512 features"
        record_output(job)
        dvc("remote", "add", "--default", "store", "../store")
        dvc("push")
    return folder


@pytest.fixture(scope="module")
def pictured(recorded_once) -> dict[str, np.ndarray]:
    """Return what Keras makes of the first pictures, by their sha256."""
    files = some_images(8)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(recorded_once)
        return dict(zip(map(codec.sha256, files.values()), plain_keras(files), strict=True))


@pytest.fixture
def recorded(recorded_once, pictured, tmp_path, monkeypatch) -> Path:
    """A copy of that repository, to be changed, with a store of bottlenecks that is empty.

    What has to be computed is looked up, since building the backbone takes a second in each of these tests.
    """

    def compute(parameters, files, cores, split):
        yield list(range(len(files))), np.array([pictured[sha256] for _, sha256 in files], np.float32)

    monkeypatch.setattr(inference, "compute", compute)
    shutil.copytree(recorded_once.parent, tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy/workspace")
    return tmp_path / "copy/workspace"


def job_of(count: int, **more: Any) -> Job:
    """Return a job of the stage for so many images, of which three are those that were recorded."""
    return make_job(write_images(Path("data/split"), some_images(count)), BUILDING, **more)


def said_by(job: Job, capsys: pytest.CaptureFixture) -> tuple[str, str]:
    """Return (the line of the stage, what it writes to stderr); fail if it leaves anything beside its output."""
    beside = sorted(path.name for path in Path("data").iterdir())
    capsys.readouterr()
    summary = bottlenecks.run(job)
    assert sorted(path.name for path in Path("data").iterdir()) == beside
    assert sorted(path.name for path in job.output.iterdir()) == ["features.npy", "identity.json", "index.csv"]
    return summary, capsys.readouterr().err


def right(job: Job, pictured: dict[str, np.ndarray]) -> bool:
    """Tell whether every row is what Keras makes of its image, whether it was taken over or computed."""
    index = manifest.read(job.output / outputs.INDEX)
    expected = np.array([pictured[sha256] for sha256 in index["sha256"]])
    return np.allclose(np.load(job.output / outputs.FEATURES), expected, atol=1e-5)


def cache_files() -> list[Path]:
    return [path for path in Path(".dvc/cache/files").rglob("*") if path.is_file()]


def test_what_dvc_recorded_and_removed_is_not_computed_again(recorded, capsys):
    job = job_of(3)
    assert said_by(job, capsys) == ("computed 0, reused 3 bottlenecks of 512 features", "")
    dvc("checkout")
    for name in ("features.npy", "index.csv", "identity.json"):
        assert (job.output / name).read_bytes() == (FOLDER / name).read_bytes()


def test_only_what_was_not_recorded_is_computed(recorded, pictured, capsys):
    job = job_of(5)
    assert said_by(job, capsys) == ("computed 2, reused 3 bottlenecks of 512 features", "")
    assert right(job, pictured)


def test_a_row_is_taken_over_by_content_and_not_by_name(recorded, pictured, capsys):
    job = make_job(
        write_images(Path("data/split"), {"cat/train_000.jpg": picture(7), "dog/val_x.jpg": picture(0)}), BUILDING
    )
    assert said_by(job, capsys) == ("computed 1, reused 1 bottlenecks of 512 features", "")
    assert right(job, pictured)


def test_what_was_taken_over_is_in_the_store_from_then_on(recorded, capsys):
    bottlenecks.run(job_of(3))
    Path("dvc.lock").unlink()
    shutil.rmtree(BUILDING)
    assert said_by(job_of(3), capsys) == ("computed 0, reused 3 bottlenecks of 512 features", "")


@pytest.mark.parametrize("change", [{"layer": "conv_pw_6_relu"}, {"input_size": 64}])
def test_what_was_recorded_of_another_backbone_is_not_taken(recorded, capsys, change):
    summary, said = said_by(job_of(3, **change), capsys)
    assert summary.startswith("computed 3, reused 0 ")
    assert said == ""


def test_what_was_recorded_with_other_code_is_not_taken(recorded, capsys, monkeypatch):
    job, used = job_of(3), imports.Package().code("backbone.inference")
    monkeypatch.setattr(imports.Package, "code", lambda package, root: {**used, "images.codec": "another"})
    assert said_by(job, capsys) == ("computed 3, reused 0 bottlenecks of 512 features", "")


@pytest.mark.parametrize("name", ["features.npy", "index.csv", "identity.json", "receipt"])
def test_what_was_recorded_and_has_since_been_damaged_in_the_cache_is_not_taken(recorded, capsys, name):
    [entry] = [path for path in cache_files() if path.name.endswith(".dir")]
    [md5] = [each["md5"] for each in json.loads(entry.read_text()) if each["relpath"].startswith(name)]
    path = Path(".dvc/cache/files/md5", md5[:2], md5[2:])
    path.chmod(0o644)
    content = bytearray(path.read_bytes())
    content[-40] ^= 1
    path.write_bytes(content)
    summary, _ = said_by(job_of(3), capsys)
    assert summary == "computed 3, reused 0 bottlenecks of 512 features"


def test_what_was_recorded_without_being_as_its_receipt_says_is_not_taken(recorded, capsys):
    dvc("checkout")
    change_a_number(FOLDER)
    dvc("commit", "--force", STAGE)
    shutil.rmtree(FOLDER)
    assert said_by(job_of(3), capsys) == ("computed 3, reused 0 bottlenecks of 512 features", "")


def test_what_is_not_in_the_cache_comes_from_the_remote(recorded, capsys):
    shutil.rmtree(".dvc/cache")
    assert said_by(job_of(4), capsys) == ("computed 1, reused 3 bottlenecks of 512 features", "")


def test_a_fresh_clone_takes_over_what_its_remote_has(recorded, tmp_path, capsys, monkeypatch):
    clone = tmp_path / "copy/clone"
    shutil.copytree(recorded, clone, ignore=shutil.ignore_patterns("cache", "tmp", "data"))
    (clone / "data").mkdir()
    monkeypatch.chdir(clone)
    assert said_by(job_of(4), capsys) == ("computed 1, reused 3 bottlenecks of 512 features", "")


@pytest.mark.parametrize(
    "change",
    [
        lambda: Path("dvc.lock").unlink(),
        lambda: Path("dvc.lock").write_text("schema: '2.0'\nstages: {}\n"),
        lambda: shutil.rmtree(".dvc"),
    ],
    ids=["no dvc.lock", "a dvc.lock without the stage", "a dvc.lock without DVC"],
)
def test_where_nothing_is_recorded_nothing_is_said(recorded, capsys, change):
    change()
    assert said_by(job_of(3), capsys) == ("computed 3, reused 0 bottlenecks of 512 features", "")


def nowhere() -> None:
    shutil.rmtree(".dvc/cache")
    shutil.rmtree("../store")


def no_remote() -> None:
    shutil.rmtree(".dvc/cache")
    dvc("remote", "remove", "store")


def refusing() -> None:
    shutil.rmtree(".dvc/cache")
    dvc("remote", "modify", "store", "url", "http://127.0.0.1:9/store")


def unknown_kind() -> None:
    shutil.rmtree(".dvc/cache")
    # One that the tests of sharing do not install.
    dvc("remote", "modify", "store", "url", "gs://bucket/store")


@pytest.mark.parametrize(
    "harm",
    [
        nowhere,
        no_remote,
        refusing,
        unknown_kind,
        lambda: Path("dvc.lock").write_text("schema: ["),
        lambda: Path("dvc.yaml").write_text("stages: 1\n"),
    ],
    ids=[
        "no folder for the remote",
        "no remote",
        "a server that refuses",
        "a remote without its plug-in",
        "no sound dvc.lock",
        "no sound dvc.yaml",
    ],
)
def test_what_cannot_be_had_is_said_in_one_line_and_computed(recorded, capsys, harm):
    harm()
    summary, said = said_by(job_of(3), capsys)
    assert summary == "computed 3, reused 0 bottlenecks of 512 features"
    assert said.startswith(f"{STAGE}: nothing taken over from DVC: ")
    assert len(said.splitlines()) == 1
    assert len(said.strip()) > len(f"{STAGE}: nothing taken over from DVC: ")


def test_dvc_is_not_asked_for_what_is_known(recorded, capsys, monkeypatch):
    bottlenecks.run(job_of(3))
    shutil.rmtree(BUILDING)
    monkeypatch.setattr(kept, "recorded_rows", lambda *_: pytest.fail("DVC was asked"))
    assert said_by(job_of(3), capsys) == ("computed 0, reused 3 bottlenecks of 512 features", "")
    forget()
    first = Path(BUILDING).rename("data/first")
    receipt.write(first, {"stage": STAGE})
    job = replace(job_of(3), previous=first)
    assert said_by(job, capsys) == ("computed 0, reused 3 bottlenecks of 512 features", "")


def test_no_images_ask_nobody(recorded, monkeypatch):
    monkeypatch.setattr(kept, "recorded_rows", lambda *_: pytest.fail("DVC was asked"))
    assert bottlenecks.run(job_of(0)) == "computed 0, reused 0 bottlenecks of 0 features"


def test_store_last_output_and_dvc_each_give_what_the_one_before_did_not_have(recorded, pictured, capsys):
    # The store knows image 3, the last output 4, and DVC 0 to 2; nobody knows 5.
    bottlenecks.run(make_job(write_images(Path("data/split"), some_images(1, 4)), "data/last"))
    forget()
    bottlenecks.run(make_job(write_images(Path("data/split"), some_images(1, 3)), "data/stored"))
    shutil.rmtree("data/split")
    job = replace(job_of(6), previous=finished(bare_job(STAGE, Path("data/last"))))
    assert said_by(job, capsys) == ("computed 1, reused 5 bottlenecks of 512 features", "")
    assert right(job, pictured)


def test_what_a_killed_run_left_of_dvc_is_cleared_away_by_the_next(recorded):
    left = Path("data", f".{STAGE}-recorded")
    left.mkdir()
    (left / "features.npy").write_bytes(b"half of it")
    stage_folder.recover(FOLDER)
    assert not left.exists()


def test_a_kept_row_costs_no_backbone(recorded, monkeypatch):
    monkeypatch.setattr(inference, "compute", lambda *_: pytest.fail("the backbone was asked"))
    assert bottlenecks.run(job_of(3)).startswith("computed 0, ")
