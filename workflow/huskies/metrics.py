"""metrics: both heads side by side on the same validation images, with intervals. The only stage with a verdict."""

import json
from pathlib import Path

import pandas as pd

from huskies import intervals, leaks, manifest, train
from huskies.errors import HuskyError
from huskies.job import Job

NAME = "metrics.json"
TABLE = "table.txt"
HEADS = ("baseline", "augmented")


def describe(scores: dict, predicted: pd.DataFrame) -> dict:
    """Return one head's numbers: its scores, and the accuracy's interval over the validation images."""
    right = int((predicted["label"] == predicted["predicted"]).sum())
    low, high = intervals.wilson(right, len(predicted))
    return {
        "train_accuracy": scores["train_accuracy"],
        "val_accuracy": round(right / len(predicted), 6),
        "val_accuracy_low": round(low, 6),
        "val_accuracy_high": round(high, 6),
        "val_cross_entropy": scores["val_cross_entropy"],
        "images": scores["images"],
        "val_images": len(predicted),
        "step": scores["step"],
    }


def compare(before: pd.DataFrame, after: pd.DataFrame) -> dict:
    """Return the gain of `after` over `before`, two predictions of the same images, with its interval.

    Raises HuskyError if they are not of the same images, which would make the comparison worthless.
    """
    if list(before["sha256"]) != list(after["sha256"]):
        raise HuskyError(
            "the two heads were validated on different images. Delete data/train_baseline and "
            "data/train_augmented, and run the same command again."
        )
    right = [(each["label"] == each["predicted"]).to_numpy() for each in (before, after)]
    gain, low, high = intervals.paired_gain(*right)
    return {"val_accuracy": round(gain, 6), "low": round(low, 6), "high": round(high, 6)}


def table(metrics: dict) -> str:
    """Return the numbers as a few lines of text."""
    lines = [f"{'':12}{'training images':>16}{'train':>9}{'validation':>12}{'95 % interval':>20}"]
    for name in HEADS:
        each = metrics[name]
        interval = f"{each['val_accuracy_low']:.1%} to {each['val_accuracy_high']:.1%}"
        lines.append(
            f"{name:12}{each['images']:>16}{each['train_accuracy']:>9.1%}{each['val_accuracy']:>12.1%}{interval:>20}"
        )
    gain = metrics["gain"]
    interval = f"{100 * gain['low']:+.1f} to {100 * gain['high']:+.1f}"
    lines.append(f"{'gain':12}{'':25}{100 * gain['val_accuracy']:>+12.1f}{interval:>20}  points")
    images = metrics["baseline"]["val_images"]
    chosen = ", which also chose the step that was kept" if metrics["chosen_on_validation"] else ""
    lines.append(f"{images} validation images{chosen}; leaks: {metrics['leaks']}")
    return "\n".join(lines) + "\n"


def run(job: Job) -> str:
    """Fill job.output with metrics.json, table.txt and predictions.csv; return the table."""
    folders = [job.inputs[f"train_{name}"] for name in HEADS]
    predicted = [manifest.read(folder / train.VALIDATION) for folder in folders]
    scores = [_read(folder / train.SCORES) for folder in folders]
    metrics = dict(zip(HEADS, map(describe, scores, predicted), strict=True))
    metrics["gain"] = compare(*predicted)
    metrics["leaks"] = _read(job.inputs["leaks"] / leaks.NAME)["leaks"]
    metrics["chosen_on_validation"] = job.params["train"]["keep"] == "best"
    metrics["provenance"] = job.provenance
    (job.output / NAME).write_text(json.dumps(metrics, indent=1) + "\n")
    (job.output / TABLE).write_text(table(metrics), encoding="utf-8")
    actual = predicted[1][["file", "label", "predicted"]].rename(columns={"label": "actual"})
    actual.to_csv(job.output / "predictions.csv", index=False, lineterminator="\n")
    return "\n" + table(metrics)


def _read(path: Path) -> dict:
    return json.loads(path.read_text())
