"""metrics: the numbers that others rely on, and a comparison of like with like."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import CONTRACT, bare_job
from huskies.errors import HuskyError
from huskies.images import manifest
from huskies.job import Job
from huskies.statistics import intervals
from huskies.steps import metrics
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import precision_recall_fscore_support

SCORES = {
    "baseline": {"step": 40, "images": 12, "val_images": 8, "train_accuracy": 0.875, "val_cross_entropy": 0.612345},
    "augmented": {"step": 60, "images": 72, "val_images": 8, "train_accuracy": 1.0, "val_cross_entropy": 0.412345},
}
PREDICTED = {"baseline": "abababaa", "augmented": "abababab"}
ACTUAL = "abababbb"

TABLE = """\
             training images    train  validation       95 % interval
baseline                  12    87.5%       75.0%      40.9% to 92.9%
augmented                 72   100.0%       87.5%      52.9% to 97.8%
gain                                        +12.5      -22.8 to +45.9  points
8 validation images, which also chose the step that was kept; leaks: 0
that choice flatters the two accuracies by about +12.5 and +12.5 points
augmentation won 1 of these images and lost 0: exact McNemar test, p = 1.000
With 8 validation images it cannot be told whether augmentation helped: the gain of +12.5 points lies between \
-22.8 and +45.9. About 61 would be needed to tell a gain of this size.
"""
FALSE = "These numbers are false, for held-out images leaked into the training (leaks: 3)."


def rows(predicted: str) -> list[dict[str, str]]:
    return [
        {"file": f"{label}/val_{number}.jpg", "label": label, "sha256": f"{number:064}", "predicted": guess}
        for number, (label, guess) in enumerate(zip(ACTUAL, predicted, strict=True))
    ]


def curves(shown: list[dict[str, str]]) -> tuple[np.ndarray, np.ndarray]:
    """Return a history of two points: the first is chosen by all images together, and by each fold but the first.

    At the first point the head is right where it is shown to be, at the second it is wrong on every image.
    """
    cross_entropy = np.ones((2, len(shown)), np.float32)
    cross_entropy[0, 0] = 0
    cross_entropy[1, 1:] = 0.9
    right = np.zeros((2, len(shown)), bool)
    right[0] = [row["label"] == row["predicted"] for row in shown]
    return right, cross_entropy


def job(
    folder: Path,
    keep: str = "best",
    shown: dict[str, list[dict[str, str]]] | None = None,
    leaks: int = 0,
    action: str = "fail",
    asked: dict | None = None,
) -> Job:
    shown = shown or {name: rows(predicted) for name, predicted in PREDICTED.items()}
    inputs = {}
    for name in ("baseline", "augmented"):
        inputs[f"train_{name}"] = train = folder / f"train_{name}"
        train.mkdir(parents=True)
        (train / "scores.json").write_text(json.dumps(SCORES[name]))
        manifest.make(shown[name], ["predicted"])[["file", "label", "sha256", "predicted"]].to_csv(
            train / "validation.csv", index=False
        )
        right, cross_entropy = curves(shown[name])
        np.save(train / "validation_right.npy", right)
        np.save(train / "validation_cross_entropy.npy", cross_entropy)
    if asked:
        inputs["cross_validation"] = folder / "cross_validation"
        inputs["cross_validation"].mkdir()
        (inputs["cross_validation"] / "cross_validation.json").write_text(json.dumps(asked))
        (inputs["cross_validation"] / "table.txt").write_text("every image asked\n")
    inputs["leaks"] = folder / "leaks"
    inputs["leaks"].mkdir()
    (inputs["leaks"] / "leaks.json").write_text(json.dumps({"leaks": leaks, "action": action}))
    (folder / "out").mkdir()
    return bare_job(
        stage="metrics",
        params={"train": {"keep": keep}},
        inputs=inputs,
        output=folder / "out",
    )


ASKED = {
    "baseline": {"accuracy": 0.8, "low": 0.7, "high": 0.9},
    "augmented": {"accuracy": 0.9, "low": 0.8, "high": 0.95},
    "gain": {"accuracy": 0.1, "low": 0.02, "high": 0.18},
    "leaks": 0,
    "verdict": "helped",
    "images_to_tell": 40,
    "sentence": "Augmentation helped by 10.0 points.",
}


def written(folder: Path) -> dict:
    return json.loads((folder / "out/metrics.json").read_text())


def test_the_numbers_are_those_of_the_contract(tmp_path):
    metrics.run(job(tmp_path))
    found = written(tmp_path)
    assert list(found) == [
        "baseline",
        "augmented",
        "gain",
        "leaks",
        "leaks_action",
        "chosen_on_validation",
        "verdict",
        "images_to_tell",
        "sentence",
        "provenance",
    ]
    assert (
        found["baseline"].keys() == found["augmented"].keys() == CONTRACT | {"step", "val_accuracy_nested", "flattery"}
    )
    assert (found["leaks"], found["leaks_action"]) == (0, "fail")
    summary = json.loads((tmp_path / "out/summary.json").read_text())
    assert summary == {
        "baseline": found["baseline"]["val_accuracy"],
        "augmented": found["augmented"]["val_accuracy"],
        "gain": found["gain"]["val_accuracy"],
        "low": found["gain"]["low"],
        "high": found["gain"]["high"],
        "images_to_tell": found["images_to_tell"],
        "leaks": 0,
    }
    low, high = intervals.wilson(6, 8)
    assert found["baseline"] == {
        "train_accuracy": 0.875,
        "val_accuracy": 0.75,
        "val_accuracy_low": round(low, 6),
        "val_accuracy_high": round(high, 6),
        "val_cross_entropy": 0.612345,
        "images": 12,
        "val_images": 8,
        "step": 40,
        "val_accuracy_nested": 0.625,
        "flattery": 0.125,
    }
    low, high = found["gain"].pop("low"), found["gain"].pop("high")
    assert -1 <= low < 0.125 < high <= 1
    assert found["gain"] == {"val_accuracy": 0.125, "p_value": 1.0, "won": 1, "lost": 0}
    assert (found["verdict"], found["images_to_tell"]) == ("cannot be told", 61)
    assert found["sentence"] == TABLE.splitlines()[-1]


def test_the_table_is_what_people_read(tmp_path):
    assert metrics.run(job(tmp_path)) == f"\n{TABLE}"
    assert (tmp_path / "out/table.txt").read_text(encoding="utf-8") == TABLE


def test_only_a_head_chosen_on_validation_is_said_to_be(tmp_path):
    lines = metrics.run(job(tmp_path, keep="last")).splitlines()
    assert lines[5] == "8 validation images; leaks: 0"
    assert not any("flatters" in line for line in lines)
    found = written(tmp_path)
    assert found["chosen_on_validation"] is False
    assert found["baseline"].keys() == found["augmented"].keys() == CONTRACT | {"step"}


def test_a_number_that_rests_on_leaks_is_called_false_before_all_else(tmp_path):
    said = metrics.run(job(tmp_path, leaks=3, action="warn"))
    assert said.splitlines()[1] == FALSE
    assert "leaks: 3" in said.splitlines()[6]
    found = written(tmp_path)
    assert (found["leaks"], found["leaks_action"]) == (3, "warn")
    assert found["sentence"] == f"{FALSE} {TABLE.splitlines()[-1]}"


def test_a_clear_gain_and_a_clear_loss_are_told_in_words(tmp_path):
    better = [{**row, "predicted": row["label"]} for row in rows(ACTUAL)]
    worse = [{**row, "predicted": "c"} for row in better]
    for name, shown, sentence in (
        ("helped", {"baseline": worse, "augmented": better}, "Augmentation helped by 100.0 points (54.1 to 100.0)"),
        ("hurt", {"baseline": better, "augmented": worse}, "Augmentation hurt by 100.0 points (54.1 to 100.0)"),
    ):
        assert metrics.run(job(tmp_path / name, shown=shown)).splitlines()[-1] == f"{sentence} on 8 validation images."
        assert written(tmp_path / name)["verdict"] == name


def test_heads_that_never_differ_leave_it_open_how_many_images_would_tell(tmp_path):
    same = rows(PREDICTED["baseline"])
    said = metrics.run(job(tmp_path, shown={"baseline": same, "augmented": same}))
    assert said.splitlines()[-1].endswith("No difference was seen, so that it cannot be said how many would be needed.")
    assert written(tmp_path)["images_to_tell"] is None
    assert written(tmp_path)["gain"]["p_value"] == 1


def test_predictions_are_those_of_the_augmented_head(tmp_path):
    metrics.run(job(tmp_path))
    expected = "file,actual,predicted\n" + "".join(
        f"{label}/val_{number}.jpg,{label},{guess}\n"
        for number, (label, guess) in enumerate(zip(ACTUAL, PREDICTED["augmented"], strict=True))
    )
    assert (tmp_path / "out/predictions.csv").read_text() == expected


def test_classes_and_confusions_of_both_heads_stand_beside_the_numbers(tmp_path):
    metrics.run(job(tmp_path))
    assert (tmp_path / "out/per_class.csv").read_text() == (
        "head,label,precision,recall,f1,images\n"
        "baseline,a,0.6,1.0,0.75,3\n"
        "baseline,b,1.0,0.6,0.75,5\n"
        "augmented,a,0.75,1.0,0.857143,3\n"
        "augmented,b,1.0,0.8,0.888889,5\n"
    )
    assert (tmp_path / "out/confusion.csv").read_text() == (
        "head,actual,predicted,images\n"
        "baseline,a,a,3\n"
        "baseline,b,a,2\n"
        "baseline,b,b,3\n"
        "augmented,a,a,3\n"
        "augmented,b,a,1\n"
        "augmented,b,b,4\n"
    )


LABEL = st.sampled_from(["10", "2", "NA", "é"])


@given(st.lists(st.tuples(LABEL, LABEL), min_size=1, max_size=40))
def test_classes_are_scored_as_scikit_learn_scores_them(pairs):
    predicted = pd.DataFrame(pairs, columns=["label", "predicted"], dtype=str)
    found = metrics.per_class("baseline", predicted)
    expected = precision_recall_fscore_support(predicted["label"], predicted["predicted"], zero_division=np.nan)
    assert found["label"].tolist() == sorted({label for pair in pairs for label in pair})
    for name, numbers in zip(("precision", "recall", "f1", "images"), expected, strict=True):
        assert found[name].to_numpy(float) == pytest.approx(numbers, abs=1e-6, nan_ok=True)
    counts = metrics.confusion("baseline", predicted)
    assert sorted(zip(counts["actual"], counts["predicted"], strict=True)) == sorted(set(pairs))
    assert counts["images"].sum() == len(pairs)


def test_a_loss_is_shown_as_one(tmp_path):
    swapped = {"baseline": rows(PREDICTED["augmented"]), "augmented": rows(PREDICTED["baseline"])}
    assert "-12.5      -45.9 to +22.8  points" in metrics.run(job(tmp_path, shown=swapped))


@pytest.mark.parametrize(
    "change",
    [
        lambda listed: listed[:-1],
        lambda listed: listed[::-1],
        lambda listed: [{**listed[0], "sha256": "f" * 64}, *listed[1:]],
    ],
    ids=["one less", "other order", "other bytes under the same name"],
)
def test_heads_validated_on_different_images_are_not_compared(tmp_path, change):
    shown = {"baseline": rows(PREDICTED["baseline"]), "augmented": change(rows(PREDICTED["augmented"]))}
    given_job = job(tmp_path, shown=shown)
    with pytest.raises(HuskyError) as refusal:
        metrics.run(given_job)
    assert str(refusal.value) == (
        "the two heads were validated on different images. Delete data/train_baseline and "
        "data/train_augmented, and run the same command again."
    )
    assert list(given_job.output.iterdir()) == []


def test_the_verdict_is_that_of_cross_validation_and_the_validation_images_have_theirs_below(tmp_path):
    assert metrics.run(job(tmp_path / "asked", asked=ASKED)).startswith("\nevery image asked\n")
    metrics.run(job(tmp_path / "alone"))
    found, alone = written(tmp_path / "asked"), written(tmp_path / "alone")
    concluded = ("verdict", "images_to_tell", "sentence")
    assert {key: found[key] for key in concluded} == {key: ASKED[key] for key in concluded}
    assert found["validation"] == {key: alone[key] for key in concluded}
    assert found["cross_validation"] == {key: ASKED[key] for key in ("baseline", "augmented", "gain", "leaks")}
    assert {key: found[key] for key in ("baseline", "augmented", "gain")} == {
        key: alone[key] for key in ("baseline", "augmented", "gain")
    }
    assert list(found)[:4] == [*concluded, "cross_validation"]


def test_experiments_are_told_apart_by_both_gains(tmp_path):
    metrics.run(job(tmp_path, asked=ASKED))
    found = json.loads((tmp_path / "out/summary.json").read_text())
    assert found["cross_validation"] == {"baseline": 0.8, "augmented": 0.9, "gain": 0.1, "low": 0.02, "high": 0.18}
    assert found["gain"] == 0.125


def test_the_table_has_what_every_image_says_before_what_the_validation_images_say(tmp_path):
    metrics.run(job(tmp_path, asked=ASKED))
    text = (tmp_path / "out/table.txt").read_text(encoding="utf-8")
    assert text == f"every image asked\n\nOn one set of validation images, as the article has it:\n{TABLE}"


def test_what_leaked_into_the_other_trainings_is_said_before_the_verdict(tmp_path):
    metrics.run(job(tmp_path, leaks=3, action="warn", asked=ASKED))
    assert written(tmp_path)["sentence"] == f"{FALSE} {ASKED['sentence']}"
