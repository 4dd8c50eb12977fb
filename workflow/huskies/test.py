"""test: both heads on the test images, asked for by name only, at the end. Nothing else reads their labels."""

import json

import numpy as np

from huskies import bottlenecks, head, intervals, manifest, train
from huskies.errors import HuskyError
from huskies.job import Job

NAME = "test.json"
HEADS = ("baseline", "augmented")


def accuracy(labels: np.ndarray, predicted: np.ndarray) -> dict:
    """Return accuracy and its interval for true and predicted labels, one for each image."""
    right = int((labels == predicted).sum())
    low, high = intervals.wilson(right, len(labels))
    return {
        "test_accuracy": round(right / len(labels), 6),
        "test_accuracy_low": round(low, 6),
        "test_accuracy_high": round(high, 6),
        "test_images": len(labels),
    }


def run(job: Job) -> str:
    """Fill job.output with test.json and the predictions of each head; return a line on it."""
    images = manifest.read(job.inputs["split"] / manifest.NAME)
    images = images[images["split"] == "test"]
    index, features = bottlenecks.load(job.inputs["bottlenecks_test"], images)
    if index.empty:
        raise HuskyError("there are no test images, for split.test is 0. Set it above 0 in params.yaml.")
    results, right, said = {}, [], []
    for name in HEADS:
        folder = job.inputs[f"train_{name}"]
        labels = (folder / train.LABELS).read_text(encoding="utf-8").splitlines()
        predicted = train.predictions(index, head.predict_with(folder / head.NAME, features), labels)
        predicted.to_csv(job.output / f"{name}.csv", index=False, lineterminator="\n")
        results[name] = each = accuracy(predicted["label"].to_numpy(), predicted["predicted"].to_numpy())
        interval = f"{each['test_accuracy_low']:.1%} to {each['test_accuracy_high']:.1%}"
        said.append(f"{name} {each['test_accuracy']:.1%} ({interval})")
        right.append((predicted["label"] == predicted["predicted"]).to_numpy())
    gain, low, high = intervals.paired_gain(*right)
    results["gain"] = {"test_accuracy": round(gain, 6), "low": round(low, 6), "high": round(high, 6)}
    results["provenance"] = job.provenance
    (job.output / NAME).write_text(json.dumps(results, indent=1) + "\n")
    return f"{', '.join(said)} on {len(index)} test images"
