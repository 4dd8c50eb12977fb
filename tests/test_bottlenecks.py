"""bottlenecks: what the backbone makes of the pixels, once per image, known by content and never by name."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from bottleneck_inputs import (
    CODE,
    change_a_number,
    finished,
    forget,
    identity_of,
    make_job,
    picture,
    plain_keras,
    refusal,
    some_images,
    write_images,
)
from conftest import BACKBONE, USES_KERAS
from huskies import cache_file, outputs
from huskies.backbone import identity, inference, int8, openvino_engine
from huskies.backbone.features import load_features
from huskies.errors import HuskyError
from huskies.images import codec, manifest
from huskies.job import Job
from huskies.steps import bottlenecks
from sharded import contents, make_shards

pytestmark = [*USES_KERAS, pytest.mark.usefixtures("weights_here")]


def rows_of(job: Job) -> dict[str, np.ndarray]:
    """Return the features of each file."""
    index = manifest.read(job.output / outputs.INDEX)
    return dict(zip(index["file"], np.load(job.output / outputs.FEATURES), strict=True))


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
    monkeypatch.setattr(int8, "quantize", lambda model, split, fit: opened.append(split) or model)
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
    monkeypatch.setattr(int8, "quantize", lambda model, split, fit: model)

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
    backbone = {"name": name, "weights": "imagenet", "input_size": input_size}
    assert bottlenecks.too_few_pixels(backbone, max_side) == (said if seen else [])


def test_the_warning_stands_below_the_summary_of_the_originals(tmp_path):
    source = write_images(Path("split"), some_images(1))
    job = make_job(source)
    small = replace(job, params={**job.params, "convert": {"max_side": 31}})
    assert bottlenecks.run(small) == (
        "computed 1, reused 0 bottlenecks of 512 features\n"
        "  the backbone sees 32 pixels a side, and convert.max_side keeps 31 of larger photos: "
        "set it to 32 or more in params.yaml"
    )


ENGINES = {
    "OpenVINO": {"engine": "openvino", "precision": "float32"},
    "OpenVINO in bfloat16": {"engine": "openvino", "precision": "bfloat16"},
    "TensorFlow": {"engine": "tensorflow", "precision": "auto"},
    "int8": {"precision": "int8"},
}


@pytest.mark.parametrize(
    "chosen", [pytest.param(each, id=name, marks=pytest.mark.long) for name, each in ENGINES.items()]
)
def test_put_together_from_shards_the_bytes_are_the_same(tmp_path, monkeypatch, chosen):
    if chosen["precision"] == "bfloat16" and "bfloat16" not in openvino_engine.precisions():
        pytest.skip("this processor has no bfloat16")
    # As on nodes that share nothing.
    monkeypatch.setattr(cache_file, "database_folder", lambda: None)
    source = write_images(tmp_path / "split", {**some_images(20), "cat/train_twin.jpg": picture(3)})
    whole = make_job(source, tmp_path / "whole", **chosen)
    bottlenecks.run(whole)
    for count, cores in ((1, 2), (2, 1), (7, 2)):
        job = make_job(source, tmp_path / f"{count} on {cores}", cores=cores, **chosen)
        together, said = make_shards(job, bottlenecks.run, count, tmp_path / f"{count} shards")
        assert sum(int(re.match(r"computed (\d+)", each)[1]) for each in said) == 20
        assert bottlenecks.run(together) == "computed 0, reused 21 bottlenecks of 512 features"
        assert contents(together.output) == contents(whole.output)


def test_a_shard_computes_only_what_neither_it_nor_the_whole_stage_has_had(tmp_path, monkeypatch):
    monkeypatch.setattr(cache_file, "database_folder", lambda: None)
    few = make_job(write_images(tmp_path / "few", some_images(4)), tmp_path / "first")
    make_shards(few, bottlenecks.run, 2, tmp_path / "shards")
    whole = make_job(write_images(tmp_path / "others", some_images(3, first=4)), tmp_path / "whole")
    bottlenecks.run(whole)
    more = make_job(write_images(tmp_path / "more", some_images(9)), tmp_path / "second")
    _, said = make_shards(replace(more, whole=finished(whole)), bottlenecks.run, 2, tmp_path / "shards")
    assert sum(int(re.match(r"computed (\d+)", each)[1]) for each in said) == 2


def test_shards_of_two_kinds_of_machines_are_not_put_together(tmp_path):
    source = write_images(tmp_path / "split", some_images(4))
    together, _ = make_shards(make_job(source, tmp_path / "out"), bottlenecks.run, 2, tmp_path / "shards")
    path = together.shards[1] / identity.NAME
    path.write_text(path.read_text().replace('"float32"', '"bfloat16"'))
    with pytest.raises(HuskyError, match=r"were not computed alike: backbone\.precision is float32 and bfloat16"):
        bottlenecks.run(together)
