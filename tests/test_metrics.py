"""metrics: the numbers that others rely on, and a comparison of like with like."""

import json
from pathlib import Path

import pytest
from conftest import CONTRACT, bare_job
from huskies import intervals, manifest, metrics
from huskies.errors import HuskyError
from huskies.job import Job

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
"""


def rows(predicted: str) -> list[dict[str, str]]:
    return [
        {"file": f"{label}/val_{number}.jpg", "label": label, "sha256": f"{number:064}", "predicted": guess}
        for number, (label, guess) in enumerate(zip(ACTUAL, predicted, strict=True))
    ]


def job(folder: Path, keep: str = "best", shown: dict[str, list[dict[str, str]]] | None = None) -> Job:
    shown = shown or {name: rows(predicted) for name, predicted in PREDICTED.items()}
    inputs = {}
    for name in ("baseline", "augmented"):
        inputs[f"train_{name}"] = train = folder / f"train_{name}"
        train.mkdir(parents=True)
        (train / "scores.json").write_text(json.dumps(SCORES[name]))
        manifest.make(shown[name], ["predicted"])[["file", "label", "sha256", "predicted"]].to_csv(
            train / "validation.csv", index=False
        )
    inputs["leaks"] = folder / "leaks"
    inputs["leaks"].mkdir()
    (inputs["leaks"] / "leaks.json").write_text('{"leaks": 0}')
    (folder / "out").mkdir()
    return bare_job(
        stage="metrics",
        params={"train": {"keep": keep}},
        inputs=inputs,
        output=folder / "out",
    )


def test_the_numbers_are_those_of_the_contract(tmp_path):
    metrics.run(job(tmp_path))
    written = json.loads((tmp_path / "out/metrics.json").read_text())
    assert written.keys() == {"baseline", "augmented", "gain", "leaks", "chosen_on_validation", "provenance"}
    assert written["baseline"].keys() == written["augmented"].keys() == CONTRACT | {"step"}
    assert written["leaks"] == 0
    low, high = intervals.wilson(6, 8)
    assert written["baseline"] == {
        "train_accuracy": 0.875,
        "val_accuracy": 0.75,
        "val_accuracy_low": round(low, 6),
        "val_accuracy_high": round(high, 6),
        "val_cross_entropy": 0.612345,
        "images": 12,
        "val_images": 8,
        "step": 40,
    }
    assert written["gain"]["val_accuracy"] == 0.125
    assert written["gain"].keys() == {"val_accuracy", "low", "high"}
    assert -1 <= written["gain"]["low"] < 0.125 < written["gain"]["high"] <= 1


def test_the_table_is_what_people_read(tmp_path):
    assert metrics.run(job(tmp_path)) == f"\n{TABLE}"
    assert (tmp_path / "out/table.txt").read_text(encoding="utf-8") == TABLE


def test_only_a_head_chosen_on_validation_is_said_to_be(tmp_path):
    last = metrics.run(job(tmp_path / "last", keep="last"))
    assert last.splitlines()[-1] == "8 validation images; leaks: 0"
    assert json.loads((tmp_path / "last/out/metrics.json").read_text())["chosen_on_validation"] is False
    metrics.run(job(tmp_path / "best", keep="best"))
    assert json.loads((tmp_path / "best/out/metrics.json").read_text())["chosen_on_validation"] is True


def test_predictions_are_those_of_the_augmented_head(tmp_path):
    metrics.run(job(tmp_path))
    expected = "file,actual,predicted\n" + "".join(
        f"{label}/val_{number}.jpg,{label},{guess}\n"
        for number, (label, guess) in enumerate(zip(ACTUAL, PREDICTED["augmented"], strict=True))
    )
    assert (tmp_path / "out/predictions.csv").read_text() == expected


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
