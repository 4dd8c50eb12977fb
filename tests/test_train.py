"""train: the heads differ in their training rows alone, and the same rows give the same bytes."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from conftest import USES_KERAS
from huskies import outputs
from huskies.backbone.features import load_features
from huskies.errors import HuskyError
from huskies.images import manifest
from huskies.steps import train
from huskies.training import head
from trainings import COPIES, TRAIN_ROWS, VAL_ROWS, make_job, table

pytestmark = USES_KERAS


def test_the_heads_differ_in_their_training_rows_and_share_their_validation_images(trained):
    baseline, augmented = (table(trained[stage], "rows.csv") for stage in ("train_baseline", "train_augmented"))
    assert sorted(baseline["sha256"]) == sorted(each["sha256"] for each in TRAIN_ROWS)
    assert sorted(augmented["sha256"]) == sorted(each["sha256"] for each in TRAIN_ROWS + COPIES)
    validated = [table(job, "validation.csv")["sha256"].tolist() for job in trained.values()]
    assert validated[0] == validated[1]
    assert sorted(validated[0]) == sorted(each["sha256"] for each in VAL_ROWS)


def test_two_runs_make_the_same_bytes(trained, tmp_path):
    again = make_job(tmp_path / "elsewhere", "train_augmented")
    train.run(again)
    first = trained["train_augmented"].output
    names = sorted(path.name for path in first.iterdir())
    assert names == [
        "head.keras",
        "history.csv",
        "identity.json",
        "labels.txt",
        "rows.csv",
        "scores.json",
        "validation.csv",
        "validation_cross_entropy.npy",
        "validation_right.npy",
    ]
    assert {name: (again.output / name).read_bytes() == (first / name).read_bytes() for name in names} == dict.fromkeys(
        names, True
    )


def test_rows_that_are_gathered_step_by_step_make_the_same_bytes_as_those_held_in_memory(
    trained, tmp_path, monkeypatch
):
    monkeypatch.setattr(head, "_HELD_AT_MOST", 0)
    again = make_job(tmp_path / "elsewhere", "train_augmented")
    train.run(again)
    for path in trained["train_augmented"].output.iterdir():
        assert (again.output / path.name).read_bytes() == path.read_bytes()


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: rows.assign(sha256=["0" * 64, *rows["sha256"][1:]]),
        lambda rows: rows.iloc[::-1],
        lambda rows: rows.iloc[1:],
        lambda rows: pd.concat([rows, rows.iloc[:1]]),
        lambda rows: rows.assign(file=["10/train_x.jpg", *rows["file"][1:]]),
    ],
    ids=["other bytes under the same name", "other order", "one more", "one less", "another name"],
)
def test_bottlenecks_of_other_images_are_refused(trained, change):
    folder = trained["train_baseline"].inputs["bottlenecks_original"]
    images = manifest.read(folder / outputs.INDEX)
    index, features = load_features(folder, images)
    assert len(index) == len(features) == 21
    with pytest.raises(HuskyError) as error:
        load_features(folder, change(images))
    assert str(error.value) == (
        f"the bottlenecks in {folder} are not of the images they are to stand for. "
        f"Delete {folder} and run the same command again."
    )


@pytest.mark.parametrize(("stage", "stale"), [("train_baseline", "split"), ("train_augmented", "augment")])
def test_a_training_refuses_bottlenecks_of_last_weeks_files(tmp_path, stage, stale):
    job = make_job(tmp_path / "data", stage)
    path = job.inputs[stale] / manifest.NAME
    rows = manifest.read(path)
    rows.loc[rows["split"] == "train", "sha256"] = [
        f"{number:064}" for number in range((rows["split"] == "train").sum())
    ]
    manifest.write(rows, path)
    with pytest.raises(HuskyError, match="are not of the images they are to stand for"):
        train.run(job)
    assert list(job.output.iterdir()) == []


@pytest.mark.parametrize("stage", ["train_baseline", "train_augmented"])
def test_both_heads_mix(trained, tmp_path, stage):
    job = make_job(tmp_path / "data", stage, mixup=1.0)
    train.run(job)
    plain, mixed = (json.loads((each.output / "scores.json").read_text()) for each in (trained[stage], job))
    assert mixed["train_cross_entropy"] > 2 * plain["train_cross_entropy"]


def test_without_copies_both_trainings_are_the_same(tmp_path):
    baseline = make_job(tmp_path / "data", "train_baseline")
    manifest.write(manifest.make([]), tmp_path / "data/augment" / manifest.NAME)
    (tmp_path / "data/bottlenecks_augmented" / outputs.INDEX).write_text("file,label,split,source_sha256,copy,sha256\n")
    np.save(tmp_path / "data/bottlenecks_augmented" / outputs.FEATURES, np.zeros((0, 0), np.float32))
    augmented = replace(baseline, stage="train_augmented", output=tmp_path / "data/.train_augmented-building")
    augmented.output.mkdir()
    assert train.run(baseline) == train.run(augmented)
    assert (augmented.output / head.NAME).read_bytes() == (baseline.output / head.NAME).read_bytes()
