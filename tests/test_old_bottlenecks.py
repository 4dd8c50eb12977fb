"""old_bottlenecks: what a cache by name hands over, and what a head that is trained on it is right about."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import TRAIN, USES_KERAS, bare_job
from huskies import outputs
from huskies.article import old_bottlenecks
from huskies.images import codec, manifest

pytestmark = USES_KERAS

PARAMETERS = {**TRAIN, "batch_size": 8, "keep": "last"}
LABELS = ("cat", "dog")


def features_of(files: pd.Series, seed: int) -> np.ndarray:
    """Return noise of its own for each file: a head can learn it by heart, and nothing follows for other files."""
    random = [np.random.default_rng([seed, *codec.sha256(file.encode()).encode()]) for file in files]
    return np.stack([each.normal(0, 1, 40) for each in random]).astype(np.float32)


def write_bottlenecks(folder: Path, rows: pd.DataFrame, features: np.ndarray) -> None:
    folder.mkdir(parents=True)
    manifest.write(rows, folder / outputs.INDEX)
    np.save(folder / outputs.FEATURES, features)


def write_flow(folder: Path, held_out: int, seed: int, right: int) -> None:
    """Write what a flow leaves of 8 photos a class: those of which `held_out` is the number modulo 2 are validated.

    The copies lie near their photo. seed: that of the copies. right: of the validation images with augmentation.
    """
    photos = [(label, number) for label in LABELS for number in range(8)]
    split = {photo: "val" if photo[1] % 2 == held_out else "train" for photo in photos}
    rows = manifest.make(
        [
            {"file": f"{label}/{split[label, number]}_{number}.jpg", "label": label, "split": split[label, number]}
            for label, number in photos
        ]
    )
    rows["source_sha256"] = [codec.sha256(f"{label}{number}".encode()) for label, number in photos]
    rows["sha256"] = rows["source_sha256"]
    rows = rows.sort_values("file", ignore_index=True)
    trained = rows[rows["split"] == "train"]
    copies = trained.loc[trained.index.repeat(2)].reset_index(drop=True)
    copies["copy"] = [str(number % 2) for number in copies.index]
    copies["file"] = [f"{file[:-4]}_{copy}.jpg" for file, copy in zip(copies["file"], copies["copy"], strict=True)]
    copies["sha256"] = [codec.sha256(f"{seed}{file}".encode()) for file in copies["file"]]
    for name, each in (("split", rows), ("augment", copies)):
        (folder / name).mkdir(parents=True)
        manifest.write(each, folder / name / manifest.NAME)
    near = features_of(copies["source_sha256"], 0) + 0.01 * features_of(copies["file"], seed)
    write_bottlenecks(folder / "bottlenecks_original", rows, features_of(rows["source_sha256"], 0))
    write_bottlenecks(folder / "bottlenecks_augmented", copies, near)
    (folder / "metrics").mkdir()
    found = {"augmented": {"val_accuracy": round(right / 8, 6), "val_images": 8}}
    (folder / "metrics" / "metrics.json").write_text(json.dumps(found))


@pytest.fixture
def run(tmp_path) -> tuple[str, dict]:
    """Run the stage on three flows; return its line and its json."""
    write_flow(tmp_path / "before", held_out=0, seed=1, right=4)
    write_flow(tmp_path / "policy", held_out=0, seed=2, right=5)
    write_flow(tmp_path / "seed", held_out=1, seed=3, right=3)
    read = ("split", "augment", "bottlenecks_original", "bottlenecks_augmented", "metrics")
    inputs = {f"{flow}/{stage}": tmp_path / flow / stage for flow in ("before", "policy", "seed") for stage in read}
    (tmp_path / "out").mkdir()
    job = bare_job("old_bottlenecks", tmp_path / "out", params={"train": PARAMETERS}, inputs=inputs)
    said = old_bottlenecks.run(job)
    return said, json.loads((tmp_path / "out" / old_bottlenecks.NAME).read_text())


def test_a_cache_by_name_hands_over_what_it_knows_and_computes_the_rest():
    computed, kept = np.array([[1.0], [2], [3]], np.float32), np.array([[10.0], [20]], np.float32)
    rows, old = old_bottlenecks.by_name(["a", "b", "c"], computed, ["c", "a"], kept)
    assert rows.tolist() == [[20], [2], [10]]
    assert old == 2


def test_copies_are_named_after_their_photos_or_numbered_class_by_class():
    copies = pd.DataFrame(
        {"file": ["cat/train_a_0.jpg", "cat/train_a_1.jpg", "dog/train_b_0.jpg"], "label": ["cat", "cat", "dog"]}
    )
    assert old_bottlenecks.names("policy", copies) == ["cat/train_a_0.jpg", "cat/train_a_1.jpg", "dog/train_b_0.jpg"]
    assert old_bottlenecks.names("seed", copies) == ["cat/0", "cat/1", "dog/0"]


def test_every_copy_is_taken_from_the_cache_after_either_change_and_ours_are_the_flows_own_numbers(run):
    said, found = run
    assert found["before"] == {"val_accuracy": 0.5, "right": 4, "val_images": 8}
    policy, seed = found["changes"]
    assert (policy["change"], seed["change"]) == (
        "another policy, copies named after their photos",
        "another split, copies numbered class by class",
    )
    assert policy["ours"] == {"val_accuracy": 0.625, "right": 5}
    assert seed["ours"] == {"val_accuracy": 0.375, "right": 3}
    assert [(each["name_keyed"]["old"], each["name_keyed"]["copies"]) for each in found["changes"]] == [(16, 16)] * 2
    assert [each["val_images"] for each in found["changes"]] == [8, 8]
    assert said.splitlines()[0] == "before any change 50.0% of 8 validation images"
    assert said.splitlines()[2].endswith(
        "with 16 of 16 copies' bottlenecks from a cache by name, 37.5% by content, of 8 validation images"
    )


def test_numbered_copies_hand_the_validation_images_to_the_training_and_the_accuracy_is_perfect(run):
    """What cannot be learned, noise, is right on all images: their own copies were trained on."""
    seed = run[1]["changes"][1]["name_keyed"]
    assert (seed["right"], seed["val_accuracy"]) == (8, 1.0)


def test_with_the_old_copies_a_new_policy_changes_nothing(tmp_path):
    """The head on the old copies is the very head from before, whatever the new copies are like."""
    write_flow(tmp_path / "before", held_out=0, seed=1, right=4)
    found = []
    for seed in (2, 3):
        write_flow(tmp_path / f"{seed}", held_out=0, seed=seed, right=4)
        inputs = {
            f"{name}/{stage.name}": stage
            for name, folder in (("before", "before"), ("policy", f"{seed}"))
            for stage in (tmp_path / folder).iterdir()
        }
        job = bare_job("old_bottlenecks", tmp_path, params={"train": PARAMETERS}, inputs=inputs)
        found.append(old_bottlenecks.retrain(job, "policy"))
    assert found[0] == found[1]
