"""label_safety: what a transform does to the labels, seen on training images and nothing else."""

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import PROJECT, bare_job, clone_project, do
from huskies import outputs
from huskies.augmentation import gallery, single_transforms
from huskies.augmentation.copies import make_copies
from huskies.augmentation.single_transforms import Trial
from huskies.backbone import identity, inference, tensorflow_setup
from huskies.images import codec, manifest
from huskies.job import Job
from huskies.statistics import intervals
from huskies.steps import label_safety
from huskies.training import head

# Keras 3.15 says this of itself when it saves a model with numpy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

LABELS = ["left", "right"]
TURN = {"transform": "Rotate", "limit": [180, 180], "p": 0.5}
PALE = {"transform": "RandomBrightnessContrast", "brightness_limit": 0.1, "p": 0.5}
# A trial in the tests of what is said about it.
TRIAL = Trial("a turn", '[{"transform": "Rotate"}]', True)


def bright(side: str, number: int) -> bytes:
    """Return a JPEG that is bright on one side: of that label, whichever way up it is, until it is mirrored."""
    pixels = np.full((24, 32, 3), 40 + number, np.uint8)
    pixels[:, slice(0, 16) if side == "left" else slice(16, 32)] = 200 - number
    return codec.encode(pixels, 95)


def seen(content: bytes) -> np.ndarray:
    """Return what the tests' backbone sees of an image: how bright it is at the left and at the right."""
    pixels = codec.decode(content).astype(np.float32) / 255
    half = pixels.shape[1] // 2
    return np.array([pixels[:, :half].mean(), pixels[:, half:].mean()], np.float32)


@pytest.fixture
def computed(monkeypatch) -> list[str]:
    """A backbone of two features in place of a network; returns the sha256 of all that it is asked for."""
    asked = []

    def compute(_: Any, files: Sequence[tuple[Path, str]], *__: Any) -> Iterator[tuple[list[int], np.ndarray]]:
        for position, (path, sha256) in enumerate(files):
            asked.append(sha256)
            yield [position], seen(codec.read_checked(path, sha256))[None]

    monkeypatch.setattr(inference, "compute", compute)
    monkeypatch.setattr(inference, "settle", lambda parameters, _: parameters)
    return asked


def write_head(folder: Path) -> None:
    """Save a head that says on which side an image is brighter."""
    tensorflow_setup.load_tensorflow()
    import keras

    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, activation="softmax")])
    model.set_weights([np.eye(2, dtype=np.float32) * 20, np.zeros(2, np.float32)])
    folder.mkdir()
    model.save(folder / head.NAME)
    (folder / "labels.txt").write_text("".join(f"{label}\n" for label in LABELS))


def make_job(data: Path, policy: Sequence[dict[str, Any]] = (TURN, PALE), cores: int = 1) -> Job:
    """Return a job with nine training images of each class; those held out have neither bytes nor sound features."""
    rows, features = [], []
    for label in LABELS:
        (data / "split" / label).mkdir(parents=True)
        for number in range(9):
            file, jpeg = f"{label}/train_{number}.jpg", bright(label, number)
            (data / "split" / file).write_bytes(jpeg)
            rows.append({"file": file, "label": label, "split": "train", "sha256": codec.sha256(jpeg)})
            features.append(seen(jpeg))
        for split in ("val", "test"):
            rows.append({"file": f"{label}/{split}_x.jpg", "label": label, "split": split, "sha256": f"{split}{label}"})
    listed = manifest.make([{**row, "source_sha256": f"source of {row['file']}"} for row in rows])
    manifest.write(listed, data / "split" / manifest.NAME)
    index = manifest.read(data / "split" / manifest.NAME)
    index = index[index["split"] != "test"]
    kept = np.full((len(index), 2), np.nan, np.float32)
    kept[index["split"] == "train"] = features
    (data / "bottlenecks_original").mkdir()
    np.save(data / "bottlenecks_original" / outputs.FEATURES, kept)
    index.to_csv(data / "bottlenecks_original" / outputs.INDEX, index=False)
    write_head(data / "train_baseline")
    (data / "out").mkdir()
    job = bare_job(
        stage="label_safety",
        params={
            "aug": {"policy": list(policy), "seed": 1},
            "convert": {"quality": 95},
            "backbone": {"name": "two features", "weights": "none"},
        },
        inputs={name: data / name for name in ("split", "bottlenecks_original", "train_baseline")},
        provenance={"raw": "r"},
        output=data / "out",
        cores=cores,
    )
    for name in ("bottlenecks_original", "train_baseline"):
        (data / name / identity.NAME).write_text(identity.of(job, job.params["backbone"]))
    return job


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def result(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the rows of label_safety.json by name, in their order."""
    return {each["transform"]: each for each in json.loads((folder / label_safety.NAME).read_text())["transforms"]}


def judged(labels: str, before: str, after: str) -> dict[str, Any]:
    """Return the row for labels and predictions of one letter each."""
    return label_safety.judge(TRIAL, np.array(list(labels)), np.array(list(before)), np.array(list(after)))


def test_what_mirrors_the_images_is_ranked_before_what_does_not(tmp_path, computed):
    job = make_job(tmp_path)
    label_safety.run(job)
    rows = result(job.output)
    # In the order in which they are tried where they lose as much.
    assert list(rows)[:3] == ["aug.policy.0 Rotate", "horizontal flip", "turn by 180°"]
    for name, row in rows.items():
        if name in list(rows)[:3]:
            assert (row["copies"], row["drop"]) == (0.0, 1.0)
            assert row["most_confused"] == "left → right: 9 of 9"
            assert row["warning"] == "collapses in left, right"
        elif not name.startswith("turn by"):
            assert (row["copies"], row["drop"], row["most_confused"], row["warning"]) == (1.0, 0.0, "", "")
    assert list(rows) == [
        each.name
        for each in sorted(single_transforms.of_policy_and_battery([TURN, PALE]), key=lambda t: -rows[t.name]["drop"])
    ]


def test_the_run_warns_of_the_policy_and_advises_against_the_rest(tmp_path, computed):
    job = make_job(tmp_path)
    said = label_safety.run(job)
    assert said.startswith("\n" + (job.output / label_safety.TABLE).read_text())
    warning, advice = said.splitlines()[-2:]
    assert warning == (
        "WARNING: aug.policy.0 Rotate collapses in left, right: 100.0 points lost. It changes the label, or the "
        "backbone cannot cope with it. Look at data/label_safety/copies.png, and limit it or take it out of aug.policy."
    )
    assert advice.startswith("do not add: horizontal flip, turn by 180°")
    assert "aug.policy" not in advice


def test_the_files_say_the_same_and_where_it_comes_from(tmp_path, computed):
    job = make_job(tmp_path)
    label_safety.run(job)
    assert contents(job.output).keys() == {"transforms.csv", "table.txt", "label_safety.json", "copies.png"}
    written = json.loads((job.output / label_safety.NAME).read_text())
    assert written.keys() == {"transforms", "not_tried", "backbone", "provenance"}
    assert written["backbone"] == {"name": "two features", "weights": "none"}
    assert written["provenance"] == {"raw": "r"}
    table = pd.read_csv(job.output / label_safety.TRANSFORMS, keep_default_na=False)
    assert table.to_dict("records") == written["transforms"]
    first = written["transforms"][0]
    assert json.loads(first["arguments"]) == [{"transform": "Rotate", "limit": [180, 180], "p": 1.0}]
    assert first["in_policy"] == "yes"
    assert first["images"] == 18
    assert {each["in_policy"] for each in written["transforms"][2:4]} == {"no"}


def test_no_image_and_no_feature_of_what_is_held_out_is_read(tmp_path, computed):
    job = make_job(tmp_path)
    # Else reading one would fail: there are no such files, and no such features.
    assert not list(job.inputs["split"].glob("*/val_*")) + list(job.inputs["split"].glob("*/test_*"))
    label_safety.run(job)
    assert all(row["images"] == 18 and row["untouched"] == 1.0 for row in result(job.output).values())


def test_the_same_bytes_on_any_number_of_cores(tmp_path, computed):
    one, two = make_job(tmp_path / "one"), make_job(tmp_path / "two", cores=2)
    assert label_safety.run(one) == label_safety.run(two)
    assert contents(one.output) == contents(two.output)


def test_a_copy_is_the_first_that_augment_would_make_by_the_transform_alone(tmp_path):
    noise = {"transform": "GaussNoise", "std_range": [0.2, 0.3], "p": 1.0}
    job = make_job(tmp_path, [noise])
    rows = gallery.choose(manifest.read(job.inputs["split"] / manifest.NAME), label_safety.PER_CLASS)
    digests, _ = label_safety.make_copies(job, rows, tmp_path / "out")
    [made] = [each for trial, each in digests.items() if trial.in_policy]
    for row, digest in zip(rows.itertuples(), made, strict=True):
        path = job.inputs["split"] / row.file
        [jpeg] = make_copies(path, row.sha256, row.source_sha256, 1, 1, json.dumps([noise]), 95)
        assert digest == codec.sha256(jpeg)
        assert (tmp_path / "out" / f"{digest}.jpg").read_bytes() == jpeg
    assert len(set(made)) == 18


def test_a_second_run_asks_the_backbone_for_new_copies_only(tmp_path, computed):
    label_safety.run(make_job(tmp_path / "first"))
    first = set(computed)
    assert len(first) == len(computed)
    computed.clear()
    label_safety.run(make_job(tmp_path / "again"))
    assert computed == []
    label_safety.run(make_job(tmp_path / "other", [TURN, {"transform": "InvertImg"}]))
    assert 0 < len(computed) <= 18
    assert not first & set(computed)


def test_what_cannot_be_tried_alone_is_named_with_the_reason(tmp_path, computed):
    job = make_job(tmp_path, [{"transform": "RandomCrop", "height": 100, "width": 100}])
    last = label_safety.run(job).splitlines()[-1]
    assert last.startswith("not tried alone: aug.policy.0 RandomCrop: aug.policy does not work on an image of 32 × 24 ")
    assert list(json.loads((job.output / label_safety.NAME).read_text())["not_tried"]) == ["aug.policy.0 RandomCrop"]
    assert "aug.policy.0 RandomCrop" not in result(job.output)


def test_the_sheet_has_a_row_for_each_transform_and_a_column_for_each_class(tmp_path, computed, monkeypatch):
    drawn = []
    monkeypatch.setattr(label_safety.contact_sheet, "draw", lambda rows, _: drawn.extend(rows) or b"")
    job = make_job(tmp_path)
    label_safety.run(job)
    assert [row.caption.splitlines() for row in drawn[:2]] == [
        ["untouched"],
        ["aug.policy.0 Rotate", "100.0 points lost"],
    ]
    assert [row.caption.splitlines()[0] for row in drawn[1:]] == list(result(job.output))
    assert {len(row.pictures) for row in drawn} == {2}
    rows = gallery.choose(manifest.read(job.inputs["split"] / manifest.NAME), 1)
    assert rows["label"].tolist() == LABELS
    untouched = [(job.inputs["split"] / file).read_bytes() for file in rows["file"]]
    assert [picture.jpeg for picture in drawn[0].pictures] == untouched


def test_a_row_has_the_paired_interval_of_what_is_lost():
    labels, before, after = "a" * 10 + "b" * 10, "a" * 10 + "b" * 9 + "a", "a" * 7 + "b" * 13
    row = judged(labels, before, after)
    right, right_after = (np.array(list(each)) == np.array(list(labels)) for each in (before, after))
    gain, low, high = intervals.paired_gain(right, right_after)
    assert (row["drop"], row["low"], row["high"]) == (round(-gain, 6), round(-high, 6), round(-low, 6))
    assert (row["untouched"], row["copies"], row["drop"]) == (0.95, 0.85, 0.1)
    assert row["low"] < row["drop"] < row["high"]


def test_nothing_lost_is_zero_and_not_minus_zero():
    row = judged("ab", "ab", "ab")
    assert str(row["drop"]) == "0.0"


@pytest.mark.parametrize(
    ("labels", "before", "after", "said"),
    [
        ("6669", "6669", "6669", ""),
        ("6669", "6669", "9969", "6 → 9: 2 of 3"),
        # Mistaken already when untouched, so no work of the transform's.
        ("6669", "9669", "9669", ""),
        ("6669", "9669", "9969", "6 → 9: 1 of 2"),
        # As often: the first by name.
        ("6699", "6699", "6966", "9 → 6: 2 of 2"),
        ("6699", "6699", "9966", "6 → 9: 2 of 2"),
    ],
)
def test_the_commonest_confusion_counts_images_that_were_known_untouched(labels, before, after, said):
    assert judged(labels, before, after)["most_confused"] == said


@pytest.mark.parametrize(
    ("lost", "said"),
    [
        # Images lost of two classes with 100 each: 57 of 200 are over 22 %, 76 of 100 over 2/3, at the low end.
        ((28, 28), ""),
        ((29, 28), "collapses"),
        ((0, 75), "collapses"),
        ((0, 76), "collapses in b"),
        ((80, 76), "collapses in a, b"),
    ],
)
def test_a_transform_collapses_where_it_surely_loses_a_good_part_of_all_or_most_of_a_class(lost, said):
    after = "".join("x" * each + label * (100 - each) for each, label in zip(lost, "ab", strict=True))
    assert judged("a" * 100 + "b" * 100, "a" * 100 + "b" * 100, after)["warning"] == said


def test_one_class_of_many_is_enough_for_a_warning():
    labels = "".join(letter * 10 for letter in "abcdefghijklmnopqrstuvwxyz69")
    row = judged(labels, labels, labels.replace("6" * 10, "9" * 10))
    assert row["drop"] < 0.04
    assert row["warning"] == "collapses in 6"


def test_few_images_are_no_evidence():
    assert judged("abcd", "abcd", "bacd")["warning"] == ""
    assert judged("aaaaab", "aaaaab", "bbbaab")["warning"] == ""
    assert judged("aaaaab", "aaaaab", "bbbbbb")["warning"] == "collapses"


def test_a_head_that_knows_nothing_is_not_said_to_lose_anything():
    row = judged("aabb", "bbaa", "bbaa")
    assert (row["untouched"], row["drop"], row["most_confused"], row["warning"]) == (0.0, 0.0, "", "")


def test_nothing_to_warn_of_is_said_too():
    assert label_safety.advice([judged("ab", "ab", "ab")], {}) == "no transform collapses\n"


def test_the_table_reads_so():
    turn = judged("6" * 20 + "9" * 20, "6" * 20 + "9" * 20, "9" * 20 + "6" * 18 + "9" * 2)
    assert label_safety.table([turn, {**judged("ab", "ab", "ab"), "transform": "shift"}]) == (
        "        untouched   copies   lost    95 % interval  most confused\n"
        "a turn     100.0%     5.0%   95.0   +80.5 to +98.6  6 → 9: 20 of 20; collapses in 6, 9\n"
        "shift      100.0%   100.0%    0.0   -65.8 to +65.8\n"
    )


@pytest.mark.shared
@pytest.mark.long
@pytest.mark.usefixtures("converted_before")
def test_flowers_may_be_flipped_and_turned(tmp_path, monkeypatch):
    shared = Path(os.environ["HUSKIES_SHARED"])
    (tmp_path / "keras").mkdir()
    (tmp_path / "keras/models").symlink_to(shared / "keras/models")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    clone = clone_project(tmp_path / "clone", raw=False)
    shutil.copy(PROJECT / "params.yaml", clone.folder)
    clone.set(
        raw=str(shared / "data/flowers"),
        split__validation=0.2,
        split__test=0.2,
        backbone__name="MobileNetV2",
        backbone__arguments={},
        backbone__weights="imagenet",
        backbone__input_size=224,
        aug__policy=[{"transform": "HorizontalFlip", "p": 0.5}],
    )
    said = do(clone, "snakemake", "--cores", "2", "label_safety")
    assert "\nno transform collapses\n" in said
    rows = result(clone.folder / "data/label_safety")
    assert rows["aug.policy.0 HorizontalFlip"]["drop"] < 0.05
    assert rows["turn by 180°"]["drop"] < 0.15
