"""Training: balanced batches, a head that learns, curves, and the same bytes for the same rows."""

import hashlib
import io
import json
import os
import re
import subprocess
import sys
import zipfile
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import TRAIN, bare_job, write_identity
from huskies import outputs
from huskies.backbone import tensorflow_setup
from huskies.backbone.features import load_features
from huskies.errors import HuskyError
from huskies.images import manifest, naming
from huskies.job import Job
from huskies.steps import tensorboard, train
from huskies.training import fit, head
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util import tensor_util

# Keras 3.15 says this of itself when it saves a model with numpy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

CURVES = ["step", "train_accuracy", "train_cross_entropy", "val_accuracy", "val_cross_entropy"]


@pytest.fixture(scope="session", autouse=True)
def _tensorflow():
    tensorflow_setup.load_tensorflow()


def separable(images: int, seed: int = 0, classes: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Return features that a linear head can tell apart, and labels."""
    random = np.random.default_rng(seed)
    labels = np.arange(images) % classes
    features = random.normal(0, 0.3, (images, 8))
    features[np.arange(images), labels] += 3
    return features.astype(np.float32), labels


def noise(images: int, seed: int, classes: int = 3) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return random.normal(0, 1, (images, 8)).astype(np.float32), random.integers(0, classes, images)


def fitted(**changed: Any) -> tuple[head.Head, pd.DataFrame, int]:
    """Return the head, history and kept step of a training on rows that can be told apart."""
    return fit.fit(separable(30), separable(12, seed=1), 3, {**TRAIN, **changed}, "train_baseline")[:3]


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 4), min_size=1, max_size=40),
    st.integers(1, 20),
    st.integers(1, 20),
    st.booleans(),
    st.integers(0, 2**31 - 1),
)
def test_batches_are_rows_of_the_training_set_and_the_same_for_a_seed(labels, steps, size, balanced, seed):
    labels = np.array(labels)
    batches = fit.draw_batches(labels, steps, size, balanced, seed)
    assert batches.dtype == np.int32
    assert batches.shape == (steps, size)
    assert set(batches.ravel()) <= set(range(len(labels)))
    assert (batches == fit.draw_batches(labels, steps, size, balanced, seed)).all()


def test_balanced_batches_hold_every_class_alike_and_every_image_of_a_class_alike():
    labels = np.array([0] * 90 + [1] * 9 + [2])
    drawn = fit.draw_batches(labels, 1000, 90, balanced=True, seed=3).ravel()
    by_class = Counter(labels[drawn].tolist())
    assert all(by_class[each] == pytest.approx(30_000, rel=0.03) for each in range(3))
    by_row = Counter(drawn.tolist())
    assert by_row[99] == by_class[2]
    assert all(by_row[row] == pytest.approx(30_000 / 9, rel=0.1) for row in range(90, 99))
    assert all(by_row[row] == pytest.approx(30_000 / 90, rel=0.25) for row in range(90))


def test_unbalanced_batches_hold_every_image_alike():
    labels = np.array([0] * 90 + [1] * 9 + [2])
    drawn = fit.draw_batches(labels, 1000, 100, balanced=False, seed=3).ravel()
    by_row = Counter(drawn.tolist())
    assert all(by_row[row] == pytest.approx(1000, rel=0.15) for row in range(100))


def test_another_seed_draws_other_batches():
    labels = np.arange(100) % 5
    for balanced in (True, False):
        first, second = (fit.draw_batches(labels, 5, 20, balanced, seed) for seed in (1, 2))
        assert (first != second).any()


@pytest.mark.parametrize(("optimizer", "learning_rate"), [("adam", 0.1), ("sgd", 1.0)])
def test_a_head_learns_what_can_be_told_apart(optimizer, learning_rate):
    model, history, _ = fitted(optimizer=optimizer, learning_rate=learning_rate)
    last = history.iloc[-1]
    assert last["train_accuracy"] == last["val_accuracy"] == 1.0
    assert last["val_cross_entropy"] < 0.1
    features, labels = separable(50, seed=9)
    assert (model.predict(features).argmax(axis=1) == labels).all()
    assert model.predict(features).sum(axis=1) == pytest.approx(1, abs=1e-5)


def test_the_curves_start_and_end_where_the_steps_do():
    for steps, expected in ((60, list(range(1, 61))), (250, [*range(3, 250, 3), 250])):
        _, history, _ = fitted(steps=steps, batch_size=4)
        assert list(history.columns) == CURVES
        assert history["step"].tolist() == expected


def test_the_curves_are_accuracy_and_cross_entropy_over_all_rows():
    model, history, _ = fitted(keep="last")
    for rows, name in ((separable(30), "train"), (separable(12, seed=1), "val")):
        probabilities = model.predict(rows[0]).astype(float)
        accuracy = (probabilities.argmax(axis=1) == rows[1]).mean()
        cross_entropy = -np.log(probabilities[np.arange(len(rows[1])), rows[1]]).mean()
        assert history.iloc[-1][f"{name}_accuracy"] == accuracy
        assert history.iloc[-1][f"{name}_cross_entropy"] == pytest.approx(cross_entropy, rel=1e-4)


@pytest.mark.parametrize("keep", ["best", "last"])
def test_the_best_head_or_the_last_is_kept(keep):
    validation = noise(40, seed=2)
    model, history, step, curves = fit.fit(noise(40, seed=1), validation, 3, {**TRAIN, "keep": keep}, "train_baseline")
    best = int(history.loc[history["val_cross_entropy"].idxmin(), "step"])
    assert best < 60
    assert step == (best if keep == "best" else 60)
    kept = history.set_index("step").loc[step]
    right, cross_entropy = model.score(*validation)
    assert (right.mean(), cross_entropy.mean()) == pytest.approx((kept["val_accuracy"], kept["val_cross_entropy"]))
    assert (right == curves[0][step - 1]).all()
    assert (cross_entropy == curves[1][step - 1]).all()


def test_every_point_of_the_curves_is_the_mean_of_what_each_validation_image_had():
    validation = noise(40, seed=2)
    _, history, _, (right, cross_entropy) = fit.fit(
        noise(40, seed=1), validation, 3, {**TRAIN, "steps": 250}, "train_baseline"
    )
    assert (right.dtype, cross_entropy.dtype) == (bool, np.float32)
    assert right.shape == cross_entropy.shape == (len(history), 40)
    assert right.mean(axis=1).tolist() == history["val_accuracy"].tolist()
    assert cross_entropy.mean(axis=1) == pytest.approx(history["val_cross_entropy"].to_numpy(), rel=1e-6)
    # What is right has more than half, or at least the largest part, of three classes.
    assert (cross_entropy[right] <= np.log(3) + 1e-6).all()
    assert (cross_entropy[~right] >= np.log(2) - 1e-6).all()


def test_the_scale_of_the_features_does_not_matter():
    (train_features, train_labels), (val_features, val_labels) = separable(30), separable(12, seed=1)
    plain = fitted()[1]
    scaled = fit.fit(
        (100 * train_features - 50, train_labels),
        (100 * val_features - 50, val_labels),
        3,
        TRAIN,
        "train_baseline",
    )[1]
    assert scaled["val_cross_entropy"].tolist() == pytest.approx(plain["val_cross_entropy"].tolist(), rel=1e-2)


def test_a_feature_that_is_constant_in_training_does_not_drown_the_others():
    (train_features, train_labels), (val_features, val_labels) = separable(30), separable(12, seed=1)
    train_features[:, 7] = 1.0
    model, history, *_ = fit.fit((train_features, train_labels), (val_features, val_labels), 3, TRAIN, "train_baseline")
    assert np.isfinite(model.predict(val_features)).all()
    assert history.iloc[-1]["val_accuracy"] == 1.0


@pytest.mark.parametrize("mixup", [0.0, 0.5])
def test_a_step_goes_down_the_gradient_of_the_batch_or_of_its_mixtures(mixup):
    parameters = {**TRAIN, "optimizer": "sgd", "learning_rate": 0.5, "l2": 0.1, "mixup": mixup}
    features, labels = noise(20, seed=1)
    model = head.Head(features, labels, 3, parameters)
    kernel, bias = (each.astype(float) for each in model.weights())
    [batch] = fit.draw_batches(labels, 1, 8, balanced=True, seed=1)
    shares = fit.draw_shares(1, 8, mixup, seed=1)
    model.advance(batch[None], shares)

    variance = features.astype(float).var(axis=0)
    scaled = (features[batch] - features.astype(float).mean(axis=0)) / np.sqrt(variance + 0.01 * variance.mean())
    targets = np.eye(3)[labels[batch]]
    if mixup:
        own = shares.T.astype(float)
        scaled, targets = (own * each + (1 - own) * np.roll(each, -1, axis=0) for each in (scaled, targets))
    exponents = np.exp(scaled @ kernel + bias)
    error = (exponents / exponents.sum(axis=1, keepdims=True) - targets) / len(batch)
    expected = kernel - 0.5 * (scaled.T @ error + 2 * 0.1 * kernel), bias - 0.5 * error.sum(axis=0)
    for found, wanted in zip(model.weights(), expected, strict=True):
        assert found == pytest.approx(wanted, abs=1e-5)


@settings(deadline=None)
@given(st.integers(1, 50), st.integers(1, 50), st.floats(1e-300, 1e300), st.integers(0, 2**31 - 1))
def test_shares_are_parts_of_a_whole_and_the_same_for_a_seed(steps, size, mixup, seed):
    shares = fit.draw_shares(steps, size, mixup, seed)
    assert (shares.shape, shares.dtype) == ((steps, size), np.float32)
    assert ((shares >= 0) & (shares <= 1)).all()
    assert (shares == fit.draw_shares(steps, size, mixup, seed)).all()


@pytest.mark.parametrize("mixup", [0.2, 1.0, 8.0])
def test_shares_have_the_mean_and_the_variance_of_their_distribution(mixup):
    shares = fit.draw_shares(1000, 100, mixup, seed=3)
    assert shares.mean() == pytest.approx(0.5, abs=0.01)
    assert shares.var() == pytest.approx(1 / (4 * (2 * mixup + 1)), rel=0.02)
    assert (shares != fit.draw_shares(1000, 100, mixup, seed=4)).any()


def test_without_mixup_no_shares_are_drawn():
    assert fit.draw_shares(10, 10, 0.0, seed=1) is None


def test_a_share_of_all_is_no_mixture():
    features, labels = noise(20, seed=1)
    batches = fit.draw_batches(labels, 30, 8, balanced=True, seed=1)
    plain, whole = (head.Head(features, labels, 3, TRAIN) for _ in range(2))
    plain.advance(batches)
    whole.advance(batches, np.ones(batches.shape, np.float32))
    for one, other in zip(plain.weights(), whole.weights(), strict=True):
        assert one == pytest.approx(other, abs=1e-5)


def test_mixup_makes_a_head_less_sure_and_leaves_it_right():
    (mixed, history, _), (_, plain, _) = fitted(mixup=1.0, keep="last"), fitted(keep="last")
    assert history.iloc[-1]["val_accuracy"] == 1.0
    assert history.iloc[-1]["train_cross_entropy"] > 2 * plain.iloc[-1]["train_cross_entropy"]
    again, _, _ = fitted(mixup=1.0, keep="last")
    assert all((one == two).all() for one, two in zip(mixed.weights(), again.weights(), strict=True))


def test_penalties_shrink_the_weights_and_l1_more_so_to_nothing():
    def size(**changed: float) -> float:
        model, _, _ = fitted(keep="last", **changed)
        return float(np.abs(model.weights()[0]).sum())

    free = size()
    assert size(l2=0.1) < 0.6 * free
    assert size(l1=0.1) < 0.6 * free


def test_dropout_changes_the_training_and_not_the_prediction():
    dropped, _, _ = fitted(dropout=0.5)
    plain, _, _ = fitted()
    features, labels = separable(50, seed=9)
    assert (dropped.predict(features) == dropped.predict(features)).all()
    assert any((one != other).any() for one, other in zip(dropped.weights(), plain.weights(), strict=True))
    assert (dropped.predict(features).argmax(axis=1) == labels).all()


def test_the_seed_fixes_the_weights():
    first, second, other = (fitted(dropout=0.3, seed=seed)[0].weights() for seed in (5, 5, 6))
    assert all((one == two).all() for one, two in zip(first, second, strict=True))
    assert any((one != two).any() for one, two in zip(first, other, strict=True))


def test_a_step_on_a_batch_of_ones_own_is_a_step_on_the_same_training_rows():
    features, labels = separable(30)
    batches = fit.draw_batches(labels, 5, 16, balanced=True, seed=1)
    drawn, given = (head.Head(features, labels, 3, {**TRAIN, "l2": 0.1}) for _ in range(2))
    drawn.advance(batches)
    for batch in batches:
        given.learn(features[batch], labels[batch])
    assert all(
        one == pytest.approx(other, abs=1e-6) for one, other in zip(drawn.weights(), given.weights(), strict=True)
    )
    assert (drawn.weights()[0] != head.Head(features, labels, 3, TRAIN).weights()[0]).any()


def test_a_training_that_diverges_says_which_parameter_to_lower():
    with pytest.raises(HuskyError) as error:
        fitted(optimizer="sgd", learning_rate=1e38, l2=1.0)
    message = r"the training diverged before step \d+\. Lower train\.learning_rate in params\.yaml\."
    assert re.fullmatch(message, str(error.value))


def row(file: str, split: str, copy: str = "", source: str = "") -> dict[str, str]:
    source_sha256 = hashlib.sha256((source or file).encode()).hexdigest()
    return {
        "file": file,
        "label": file.split("/")[0],
        "split": split,
        "group": source_sha256[:16],
        "source_sha256": source_sha256,
        "copy": copy,
        "sha256": hashlib.sha256(f"pixels of {file}".encode()).hexdigest(),
    }


LABELS = ("10", "2", "NA")
TRAIN_ROWS = [row(f"{label}/train_{number}.jpg", "train") for label in LABELS for number in range(4)]
VAL_ROWS = [row(f"{label}/val_{number}.jpg", "val") for label in LABELS for number in range(3)]
TEST_ROWS = [row(f"{label}/test_9.jpg", "test") for label in LABELS]
COPIES = [
    row(naming.with_copy(each["file"], number), "train", str(number), each["file"])
    for each in TRAIN_ROWS
    for number in range(2)
]


def features_of(rows: pd.DataFrame) -> np.ndarray:
    """Return features that stand for each row's label, and differ from row to row."""
    made = np.zeros((len(rows), 8), np.float32)
    for number, each in enumerate(rows.itertuples()):
        made[number] = np.random.default_rng(int(each.sha256[:8], 16)).normal(0, 0.2, 8)
        made[number, LABELS.index(each.label)] += 3
    return made


def write_bottlenecks(folder: Path, rows: pd.DataFrame) -> None:
    folder.mkdir()
    write_identity(folder)
    np.save(folder / outputs.FEATURES, features_of(rows))
    columns = ["file", "label", "split", "source_sha256", "copy", "sha256"]
    rows[columns].to_csv(folder / outputs.INDEX, index=False, lineterminator="\n")


def make_job(data: Path, stage: str, **changed: Any) -> Job:
    names = ("split", "augment", "bottlenecks_original", "bottlenecks_augmented")
    if not data.exists():
        data.mkdir()
        originals = manifest.make(TRAIN_ROWS + VAL_ROWS + TEST_ROWS)
        tables = {"split": originals, "augment": manifest.make(COPIES)}
        for name, table in tables.items():
            (data / name).mkdir()
            manifest.write(table, data / name / manifest.NAME)
        seen = manifest.read(data / "split" / manifest.NAME)
        write_bottlenecks(data / "bottlenecks_original", seen[seen["split"] != "test"].reset_index(drop=True))
        write_bottlenecks(data / "bottlenecks_augmented", manifest.read(data / "augment" / manifest.NAME))
    output = data / f".{stage}-building"
    output.mkdir()
    return bare_job(
        stage=stage,
        params={"train": {**TRAIN, **changed}},
        inputs={name: data / name for name in names},
        output=output,
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> dict[str, Job]:
    """Both trainings, run."""
    data = tmp_path_factory.mktemp("trained") / "data"
    jobs = {stage: make_job(data, stage) for stage in ("train_baseline", "train_augmented")}
    for job in jobs.values():
        train.run(job)
    return jobs


def table(job: Job, name: str) -> pd.DataFrame:
    return manifest.read(job.output / name)


def test_labels_stand_in_the_order_of_the_columns_and_keep_their_spelling(trained):
    for job in trained.values():
        assert (job.output / "labels.txt").read_text() == "10\n2\nNA\n"
        validated = table(job, "validation.csv")
        assert list(validated.columns) == ["file", "label", "sha256", "predicted", "p_10", "p_2", "p_NA"]
        assert (validated["predicted"] == validated["label"]).all()
        probabilities = validated[["p_10", "p_2", "p_NA"]].astype(float).to_numpy()
        assert [LABELS[each] for each in probabilities.argmax(axis=1)] == validated["predicted"].tolist()
        assert probabilities.sum(axis=1) == pytest.approx(1, abs=2e-6)


def test_the_heads_differ_in_their_training_rows_and_share_their_validation_images(trained):
    baseline, augmented = (table(trained[stage], "rows.csv") for stage in ("train_baseline", "train_augmented"))
    assert sorted(baseline["sha256"]) == sorted(each["sha256"] for each in TRAIN_ROWS)
    assert sorted(augmented["sha256"]) == sorted(each["sha256"] for each in TRAIN_ROWS + COPIES)
    validated = [table(job, "validation.csv")["sha256"].tolist() for job in trained.values()]
    assert validated[0] == validated[1]
    assert sorted(validated[0]) == sorted(each["sha256"] for each in VAL_ROWS)


def test_scores_are_those_of_the_kept_step(trained):
    for stage, images in (("train_baseline", 12), ("train_augmented", 36)):
        scores = json.loads((trained[stage].output / "scores.json").read_text())
        assert scores.keys() == {"images", "val_images", *CURVES}
        assert (scores["images"], scores["val_images"]) == (images, 9)
        history = table(trained[stage], "history.csv").astype(float).set_index("step")
        assert history.index.tolist() == list(range(1, 61))
        assert history["val_cross_entropy"].idxmin() == scores["step"]
        assert {name: scores[name] for name in CURVES[1:]} == history.loc[scores["step"]].to_dict()


def test_what_each_validation_image_had_is_saved_in_the_order_of_the_predictions(trained):
    for job in trained.values():
        right, cross_entropy = (np.load(job.output / name) for name in (outputs.RIGHT, outputs.CROSS_ENTROPY))
        assert right.shape == cross_entropy.shape == (60, 9)
        kept = json.loads((job.output / "scores.json").read_text())["step"] - 1
        validated = table(job, "validation.csv")
        assert right[kept].tolist() == (validated["predicted"] == validated["label"]).tolist()
        own = [float(row[f"p_{row['label']}"]) for _, row in validated.iterrows()]
        assert np.exp(-cross_entropy[kept]) == pytest.approx(own, abs=2e-6)


def test_the_saved_head_predicts_what_the_validation_table_says(trained):
    job = trained["train_augmented"]
    index, features = load_features(
        job.inputs["bottlenecks_original"], manifest.make(sorted(TRAIN_ROWS + VAL_ROWS, key=lambda each: each["file"]))
    )
    held_out = features[(index["split"] == "val").to_numpy()]
    probabilities = head.predict_with(job.output / head.NAME, held_out)
    expected = table(job, "validation.csv")[["p_10", "p_2", "p_NA"]].astype(float).to_numpy()
    assert probabilities == pytest.approx(expected, abs=1e-6)


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


@pytest.mark.long
def test_a_saved_head_has_the_same_bytes_in_other_processes(tmp_path):
    script = """
import json, sys
from pathlib import Path
import numpy as np
from huskies import outputs
from huskies.training import fit
from huskies.steps import train
from huskies.backbone.features import load_features

ballast = [object() for _ in range(int(sys.argv[2]))]
rows = np.eye(6, dtype=np.float32), np.arange(6) % 3
model, *_ = fit.fit(rows, rows, 3, json.loads(sys.argv[3]), "train_baseline")
model.save(Path(sys.argv[1]))
"""
    for name, ballast in (("one.keras", 0), ("other.keras", 100_000)):
        subprocess.run(
            [sys.executable, "-c", script, str(tmp_path / name), str(ballast), json.dumps({**TRAIN, "l1": 0.1})],
            env={**os.environ, "PYTHONPATH": str(Path(train.__file__).parents[2])},
            check=True,
        )
    assert (tmp_path / "one.keras").read_bytes() == (tmp_path / "other.keras").read_bytes()


def test_a_saved_head_carries_no_time(trained):
    content = (trained["train_baseline"].output / head.NAME).read_bytes()
    with zipfile.ZipFile(io.BytesIO(content)) as saved:
        assert {each.date_time for each in saved.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert saved.namelist() == sorted(saved.namelist())
        assert json.loads(saved.read("metadata.json"))["date_saved"] == ""
        assert saved.testzip() is None


def read_events(folder: Path) -> EventAccumulator:
    return EventAccumulator(str(folder), size_guidance={"tensors": 0}).Reload()


def test_tensorboard_reads_the_curves(trained):
    job = trained["train_baseline"]
    history = table(job, "history.csv").astype(float)
    for split in ("train", "val"):
        events = read_events(job.output.parent / "tensorboard/train_baseline" / split)
        assert sorted(events.Tags()["tensors"]) == ["accuracy", "cross_entropy"]
        for name in ("accuracy", "cross_entropy"):
            read = [(event.step, float(tensor_util.make_ndarray(event.tensor_proto))) for event in events.Tensors(name)]
            assert [step for step, _ in read] == history["step"].tolist()
            assert [value for _, value in read] == pytest.approx(history[f"{split}_{name}"].tolist(), abs=2e-6)


def test_events_of_a_new_run_replace_those_of_the_last(tmp_path):
    for steps in (5, 3):
        history = pd.DataFrame([(step, 0.5, 0.5, 0.5, 0.5) for step in range(1, steps + 1)], columns=CURVES)
        head.write_events(history, tmp_path, "train_baseline")
    folder = tmp_path / "tensorboard/train_baseline"
    assert [len(list((folder / split).iterdir())) for split in ("train", "val")] == [1, 1]
    assert [event.step for event in read_events(folder / "val").Tensors("accuracy")] == [1, 2, 3]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tensorboard"]


def test_events_of_a_new_run_take_away_the_images_of_the_last(tmp_path):
    images_shown = tmp_path / "tensorboard" / tensorboard.RUN
    images_shown.mkdir(parents=True)
    head.write_events(pd.DataFrame([(1, 0.5, 0.5, 0.5, 0.5)], columns=CURVES), tmp_path, "train_baseline")
    assert [path.name for path in (tmp_path / "tensorboard").iterdir()] == ["train_baseline"]


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
