"""test: both heads on test images that nothing else has looked at."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import USES_KERAS, bare_job, write_identity
from huskies import ledger, outputs
from huskies.errors import HuskyError
from huskies.images import codec, manifest
from huskies.job import Job
from huskies.statistics import intervals
from huskies.steps import test
from huskies.training import head

pytestmark = USES_KERAS

LABELS = ["cat", "dog"]
INPUTS = ("split", "bottlenecks_test", "train_baseline", "train_augmented", "leaks")
FILES = [
    *(f"cat/test_{number}.jpg" for number in range(6)),
    "cat/train_a.jpg",
    "cat/val_b.jpg",
    *(f"dog/test_{number}.jpg" for number in range(4)),
    "dog/train_c.jpg",
]


def rows(files: list[str]) -> list[dict[str, str]]:
    return [
        {
            "file": file,
            "label": file.split("/")[0],
            "split": file.split("/")[1].split("_")[0],
            "source_sha256": codec.sha256(f"source of {file}".encode()),
            "sha256": codec.sha256(file.encode()),
        }
        for file in files
    ]


def write_head(folder: Path, threshold: float, labels: list[str]) -> None:
    """Save a head that says dog where the first feature is above the threshold."""
    import keras

    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, activation="softmax")])
    dog = labels.index("dog")
    kernel = np.zeros((2, 2), np.float32)
    kernel[0, dog] = 50
    bias = np.zeros(2, np.float32)
    bias[dog] = -50 * threshold
    model.set_weights([kernel, bias])
    folder.mkdir()
    model.save(folder / head.NAME)
    (folder / "labels.txt").write_text("".join(f"{label}\n" for label in labels))
    (folder / "scores.json").write_text('{"val_accuracy": 0.85}')
    write_identity(folder)


@pytest.fixture(autouse=True)
def _own_ledger(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ledger.PATH.write_text(",".join(ledger.COLUMNS) + "\n")


def make_job(data: Path, files: list[str] = FILES, labels: list[str] = LABELS) -> Job:
    """Return a job whose test images have the features 0 to 9, in the order of the files: six cats, four dogs."""
    for name in ("split", "bottlenecks_test", "leaks", "out"):
        (data / name).mkdir(parents=True)
    manifest.write(manifest.make(rows(files)), data / "split" / manifest.NAME)
    tested = manifest.read(data / "split" / manifest.NAME)
    tested = tested[tested["split"] == "test"]
    features = np.stack([np.arange(len(tested)), np.ones(len(tested))], axis=1) if len(tested) else np.zeros((0, 0))
    np.save(data / "bottlenecks_test" / outputs.FEATURES, features.astype(np.float32))
    columns = ["file", "label", "split", "source_sha256", "copy", "sha256"]
    tested[columns].assign(label="").to_csv(data / "bottlenecks_test" / outputs.INDEX, index=False)
    write_identity(data / "bottlenecks_test")
    write_head(data / "train_baseline", 2.5, labels)
    write_head(data / "train_augmented", 4.5, labels)
    return bare_job(
        stage="test",
        inputs={name: data / name for name in INPUTS},
        output=data / "out",
    )


def written(job: Job) -> dict[str, Any]:
    return json.loads((job.output / outputs.TEST).read_text())


def test_both_heads_are_scored_on_the_same_test_images_with_intervals(tmp_path):
    job = make_job(tmp_path)
    assert test.run(job) == (
        "baseline 70.0% (39.7% to 89.2%) on 10 test images; validation said 85.0%\n"
        "  augmented 90.0% (59.6% to 98.2%) on 10 test images; validation said 85.0%\n"
        "  the first look at these test images, in ledger.csv: commit it"
    )
    results = written(job)
    assert results.keys() == {"baseline", "augmented", "gain", "provenance", "ledger"}
    for name, right in (("baseline", 7), ("augmented", 9)):
        low, high = intervals.wilson(right, 10)
        assert results[name] == {
            "test_accuracy": right / 10,
            "test_accuracy_low": round(low, 6),
            "test_accuracy_high": round(high, 6),
            "test_images": 10,
            "val_accuracy": 0.85,
            "val_minus_test": round(0.85 - right / 10, 6),
        }
    gain, low, high = intervals.paired_gain(
        np.array([True] * 3 + [False] * 3 + [True] * 4), np.array([True] * 5 + [False] + [True] * 4)
    )
    assert results["gain"] == {"test_accuracy": round(gain, 6), "low": round(low, 6), "high": round(high, 6)}
    assert results["gain"]["test_accuracy"] == 0.2


def test_the_predictions_of_each_head_are_written(tmp_path):
    job = make_job(tmp_path)
    test.run(job)
    for name, cats in (("baseline", 3), ("augmented", 5)):
        table = manifest.read(job.output / f"{name}.csv")
        assert list(table.columns) == ["file", "label", "sha256", "predicted", "p_cat", "p_dog"]
        assert table["file"].tolist() == [file for file in FILES if "/test_" in file]
        assert table["label"].tolist() == ["cat"] * 6 + ["dog"] * 4
        assert table["predicted"].tolist() == ["cat"] * cats + ["dog"] * (10 - cats)


def test_the_order_of_a_heads_classes_is_its_own(tmp_path):
    job = make_job(tmp_path, labels=["dog", "cat"])
    test.run(job)
    assert written(job)["augmented"]["test_accuracy"] == 0.9
    assert list(manifest.read(job.output / "augmented.csv").columns)[-2:] == ["p_dog", "p_cat"]


def test_no_features_but_those_of_test_images_are_read(tmp_path):
    job = make_job(tmp_path / "with")
    test.run(job)
    folders = {path.name for path in (tmp_path / "with").iterdir()}
    assert folders == {*INPUTS, "out"}
    assert [path.name for path in (tmp_path / "with").rglob("features.npy")] == ["features.npy"]

    other = [file for file in FILES if "/test_" in file] + ["cat/train_z.jpg", "dog/val_z.jpg"]
    again = make_job(tmp_path / "other", other)
    ledger.PATH.write_text(",".join(ledger.COLUMNS) + "\n")
    test.run(again)
    for name in ("test.json", "baseline.csv", "augmented.csv"):
        assert (again.output / name).read_bytes() == (job.output / name).read_bytes()


def test_without_test_images_the_parameter_to_set_is_named(tmp_path):
    job = make_job(tmp_path, [file for file in FILES if "/test_" not in file])
    with pytest.raises(HuskyError) as error:
        test.run(job)
    assert str(error.value) == "there are no test images, for split.test is 0. Set it above 0 in params.yaml."
    assert list(job.output.iterdir()) == []


def test_bottlenecks_of_other_test_images_are_refused(tmp_path):
    job = make_job(tmp_path)
    path = job.inputs["split"] / manifest.NAME
    path.write_text(path.read_text().replace(codec.sha256(b"dog/test_1.jpg"), "0" * 64))
    with pytest.raises(HuskyError, match=r"bottlenecks_test are not of the images they are to stand for\."):
        test.run(job)
    assert list(job.output.iterdir()) == []


def test_every_look_is_in_the_ledger_and_one_at_the_same_model_is_told_from_one_at_another(tmp_path):
    job = make_job(tmp_path / "one")
    test.run(job)
    [look] = ledger.read().to_dict("records")
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", look.pop("when"))
    sources = sorted(codec.sha256(f"source of {file}".encode()) for file in FILES if "/test_" in file)
    heads = {
        f"{name}_head": codec.sha256(codec.sha256((tmp_path / f"one/train_{name}" / head.NAME).read_bytes()).encode())[
            :16
        ]
        for name in ("baseline", "augmented")
    }
    assert look == {
        "test_set": codec.sha256("\n".join(sources).encode())[:16],
        "images": "10",
        **heads,
        "baseline_val_accuracy": "0.85",
        "baseline_test_accuracy": "0.7",
        "augmented_val_accuracy": "0.85",
        "augmented_test_accuracy": "0.9",
        "raw": "",
        "code": "",
    }
    assert json.loads((job.output / "test.json").read_text())["ledger"] == {"looks": 1, "models": 1}
    assert test.run(job).endswith("look 2 at these test images, always for the same model, in ledger.csv: commit it")
    other = make_job(tmp_path / "other", labels=["dog", "cat"])
    assert test.run(other).endswith(
        "look 3 at these test images, for 2 models, in ledger.csv: commit it. "
        "The more looks have led to changes, the less this number is a test"
    )
    assert json.loads((other.output / "test.json").read_text())["ledger"] == {"looks": 3, "models": 2}
    fewer = make_job(tmp_path / "fewer", FILES[1:])
    assert test.run(fewer).endswith("the first look at these test images, in ledger.csv: commit it")
    assert len(ledger.read()) == 4


def test_the_look_is_in_the_ledger_before_its_number_is_anywhere_else(tmp_path, monkeypatch):
    job = make_job(tmp_path / "one")

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(ledger, "append", killed)
    with pytest.raises(KeyboardInterrupt):
        test.run(job)
    assert list(job.output.iterdir()) == []


@pytest.mark.parametrize(
    "content", [None, "", "when,what\n", "<<<<<<< ours\n", f"{','.join(ledger.COLUMNS)}\n=======\n"]
)
def test_without_a_sound_ledger_nothing_is_looked_at(tmp_path, content):
    job = make_job(tmp_path / "one")
    ledger.PATH.unlink()
    if content is not None:
        ledger.PATH.write_text(content)
    with pytest.raises(HuskyError) as error:
        test.run(job)
    assert str(error.value) == (
        "ledger.csv, the ledger of looks at the test set, is missing or damaged. Fix it by hand, or get back the "
        "last version: git checkout ledger.csv"
    )
    assert list(job.output.iterdir()) == []
