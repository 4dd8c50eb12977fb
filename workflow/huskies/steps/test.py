"""test: both heads on the test images, only on request, at the end. Nothing else reads their labels.

Every look is written into the ledger, before its number is anywhere else.
"""

import hashlib
import json

import pandas as pd

from huskies import ledger, outputs
from huskies.backbone import identity
from huskies.backbone.features import load_features, rows_of
from huskies.errors import HuskyError
from huskies.job import Job
from huskies.statistics import intervals
from huskies.training import head, saved


def describe(predicted: pd.DataFrame, val_accuracy: float) -> dict:
    """Return one head's numbers on the test images, and how far its validation accuracy was from them."""
    right = int((predicted["label"] == predicted["predicted"]).sum())
    low, high = intervals.wilson(right, len(predicted))
    accuracy = right / len(predicted)
    return {
        "test_accuracy": round(accuracy, 6),
        "test_accuracy_low": round(low, 6),
        "test_accuracy_high": round(high, 6),
        "test_images": len(predicted),
        "val_accuracy": val_accuracy,
        "val_minus_test": round(val_accuracy - accuracy, 6),
    }


def look(job: Job, images: pd.DataFrame, results: dict[str, dict]) -> dict[str, object]:
    """Return what the ledger keeps of a look: which images, which models, which numbers, and what they came from."""
    found: dict[str, object] = {"test_set": ledger.test_set(images), "images": len(images)}
    for name in outputs.HEADS:
        found[f"{name}_head"] = ledger.short_digest(
            [hashlib.sha256((job.inputs[f"train_{name}"] / head.NAME).read_bytes()).hexdigest()]
        )
        found[f"{name}_val_accuracy"] = results[name]["val_accuracy"]
        found[f"{name}_test_accuracy"] = results[name]["test_accuracy"]
    return found | {key: job.provenance.get(key, "") for key in ("raw", "code")}


def run(job: Job) -> str:
    """Fill job.output with test.json and the predictions of each head, and the ledger with a look; return a line."""
    images = rows_of(job.inputs["split"], "test")
    identity.check(job.inputs["bottlenecks_test"], *(job.inputs[f"train_{name}"] for name in outputs.HEADS))
    index, features = load_features(job.inputs["bottlenecks_test"], images)
    if index.empty:
        raise HuskyError("there are no test images, for split.test is 0. Set it above 0 in params.yaml.")
    index["label"] = images["label"].to_numpy()
    results, tables = {}, []
    for name in outputs.HEADS:
        folder = job.inputs[f"train_{name}"]
        tables.append(saved.predict(folder, index, features))
        scores = json.loads((folder / outputs.SCORES).read_text())
        results[name] = describe(tables[-1], scores["val_accuracy"])
    gain, low, high = intervals.paired_gain(*((each["label"] == each["predicted"]).to_numpy() for each in tables))
    results["gain"] = {"test_accuracy": round(gain, 6), "low": round(low, 6), "high": round(high, 6)}
    results["provenance"] = job.provenance
    results["ledger"] = ledger.count(ledger.append(look(job, images, results)))
    for name, table in zip(outputs.HEADS, tables, strict=True):
        table.to_csv(job.output / f"{name}.csv", index=False, lineterminator="\n")
    (job.output / outputs.TEST).write_text(json.dumps(results, indent=1) + "\n")
    return "\n  ".join([*(_said(name, results[name]) for name in outputs.HEADS), ledger.summary(results["ledger"])])


def _said(name: str, numbers: dict) -> str:
    interval = f"{numbers['test_accuracy_low']:.1%} to {numbers['test_accuracy_high']:.1%}"
    return (
        f"{name} {numbers['test_accuracy']:.1%} ({interval}) on {numbers['test_images']} test images; "
        f"validation said {numbers['val_accuracy']:.1%}"
    )
