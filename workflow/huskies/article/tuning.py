"""tuning: trap 2. Random policies, tried on one set of validation images, and what the best is worth on the test.

These test images are those of the article's own flow, and this is no look at anybody's test set: no ledger is written.
But photos are photos. Where `raw` is the set that article.flowers names, some of the test images here are the user's
own, under another split; nothing of the user's flow reads what comes out, and whoever chooses settings by it has
chosen by their test images.
"""

import json
from typing import Any

import numpy as np

from huskies import outputs
from huskies.backbone import identity
from huskies.backbone.features import load_features, rows_of
from huskies.images import manifest
from huskies.job import Job
from huskies.statistics import intervals, optimism
from huskies.training import saved

NAME = "tuning.json"


def chance_band(right: np.ndarray) -> tuple[float, float]:
    """Return (low, high): in 95 % of worlds, what the best of these policies shows if none is better than another.

    right: bool, policies × validation images. Worlds are those of optimism.chance_leads.
    """
    rest = (1 - intervals.LEVEL) / 2
    leads = optimism.chance_leads(right)
    low, high = np.quantile(leads, [rest, 1 - rest], method="inverted_cdf") + right.mean()
    return float(low), float(high)


def conclude(right: np.ndarray, right_test: np.ndarray) -> dict[str, Any]:
    """Return all of tuning.json. right, right_test: bool, policies × validation images and policies × test images.

    The best is the one that is right on most validation images; of several, the first that was tried.
    """
    val, test = right.mean(axis=1), right_test.mean(axis=1)
    best = int(right.sum(axis=1).argmax())
    low, high = chance_band(right)
    found = {
        "policies": [
            {"policy": number, "val_accuracy": round(float(one), 6), "test_accuracy": round(float(other), 6)}
            for number, (one, other) in enumerate(zip(val, test, strict=True), 1)
        ],
        "best": best + 1,
        "best_val": round(float(val[best]), 6),
        "best_test": round(float(test[best]), 6),
        "mean_val": round(float(val.mean()), 6),
        "mean_test": round(float(test.mean()), 6),
        "chance_low": round(low, 6),
        "chance_high": round(high, 6),
        "val_images": right.shape[1],
        "test_images": right_test.shape[1],
    }
    return {**found, "sentence": sentence(found)}


def sentence(found: dict[str, Any]) -> str:
    """Return what happened in words, for the numbers of `conclude`."""
    within = found["best_val"] <= found["chance_high"]
    return (
        f"Of {len(found['policies'])} random policies, number {found['best']} is the best on {found['val_images']} "
        f"validation images, with {found['best_val']:.1%}; on {found['test_images']} test images it has "
        f"{found['best_test']:.1%}. Were none better than another, the best would show {found['chance_low']:.1%} to "
        f"{found['chance_high']:.1%} by chance: this lead is {'within' if within else 'more than'} luck."
    )


def run(job: Job) -> str:
    """Fill job.output with tuning.json; return its sentence."""
    images = rows_of(job.inputs["split"], "test")
    index, features = load_features(job.inputs["bottlenecks_test"], images)
    index["label"] = images["label"].to_numpy()
    right, right_test = [], []
    numbers = sorted(int(name.removeprefix("leaks_")) for name in job.inputs if name.startswith("leaks_"))
    heads = (job.inputs[f"train_augmented_{number}"] for number in numbers)
    identity.check(job.inputs["bottlenecks_test"], *heads)
    for number in numbers:
        trained = job.inputs[f"train_augmented_{number}"]
        validated = manifest.read(trained / outputs.VALIDATION)
        tested = saved.predict(trained, index, features)
        for scores, predicted in ((right, validated), (right_test, tested)):
            scores.append((predicted["label"] == predicted["predicted"]).to_numpy())
    found = conclude(np.stack(right), np.stack(right_test))
    (job.output / NAME).write_text(json.dumps(found, indent=1) + "\n")
    return found["sentence"]
