"""old_bottlenecks: trap 1. What a cache keyed by file names would have reported after a change, beside our numbers.

The article warns of it: bottlenecks of files that were made anew under the same names are taken for those of the new
files. Ours are kept by content, so that the same change has its own number.
"""

import json
from typing import Any

import numpy as np
import pandas as pd

from huskies import outputs
from huskies.backbone.features import load_features, rows_of
from huskies.images import manifest
from huskies.job import Job
from huskies.training import fit

NAME = "old_bottlenecks.json"

# What is changed, by the inputs that show it, and how the copies are named.
_CHANGES = {
    "policy": "another policy, copies named after their photos",
    "seed": "another split, copies numbered class by class",
}


def names(change: str, copies: pd.DataFrame) -> list[str]:
    """Return what each copy is called. copies: the manifest of data/augment.

    policy: our own names, after the photo. seed: the class and a running number, as many tools name what they make.
    """
    if change == "policy":
        return copies["file"].to_list()
    return [
        f"{row.label}/{row.number}" for row in copies.assign(number=copies.groupby("label").cumcount()).itertuples()
    ]


def by_name(wanted: list[str], computed: np.ndarray, earlier: list[str], kept: np.ndarray) -> tuple[np.ndarray, int]:
    """Return (the rows that a cache keyed by names hands over, how many of them are old).

    wanted, computed: the names of the new files, and their true features, float32, N × D. earlier, kept: the names
    that the cache knows, and what it has under them. Only what it does not know is computed.
    """
    place = {name: row for row, name in enumerate(earlier)}
    known = [place.get(name) for name in wanted]
    rows = [computed[row] if old is None else kept[old] for row, old in enumerate(known)]
    return np.stack(rows) if rows else computed, sum(old is not None for old in known)


def retrain(job: Job, change: str) -> dict[str, Any]:
    """Return val_accuracy, right, old and copies of a head that is trained on what the cache hands over.

    Originals keep their names and their pixels, so that theirs are right.
    """
    images = rows_of(job.inputs[f"{change}/split"], "train", "val")
    index, features = load_features(job.inputs[f"{change}/bottlenecks_original"], images)
    sets = {}
    for flow in (change, "before"):
        copies = manifest.read(job.inputs[f"{flow}/augment"] / manifest.NAME)
        sets[flow] = copies, load_features(job.inputs[f"{flow}/bottlenecks_augmented"], copies)[1]
    (copies, computed), (earlier, kept) = sets[change], sets["before"]
    handed_over, old = by_name(names(change, copies), computed, names(change, earlier), kept)
    rows = pd.concat([index, copies[["label", "split"]]], ignore_index=True)
    labels, training, validation = fit.divide(rows, [features, handed_over] if len(copies) else [features])
    model, *_ = fit.fit(training, validation, len(labels), job.params["train"], job.stage)
    right = model.score(*validation)[0]
    return {**_score(int(right.sum()), len(right)), "old": old, "copies": len(copies)}


def _score(right: int, images: int) -> dict[str, Any]:
    return {"val_accuracy": round(right / images, 6), "right": right}


def reported(job: Job, flow: str) -> tuple[dict[str, Any], int]:
    """Return (val_accuracy and right of the head with augmentation, its validation images) of a flow."""
    found = json.loads((job.inputs[f"{flow}/metrics"] / outputs.METRICS).read_text())["augmented"]
    images = found["val_images"]
    return _score(round(found["val_accuracy"] * images), images), images


def run(job: Job) -> str:
    """Fill job.output with old_bottlenecks.json; return a line for each change."""
    before, before_images = reported(job, "before")
    changes, lines = [], [f"before any change {before['val_accuracy']:.1%} of {before_images} validation images"]
    for change, said in _CHANGES.items():
        ours, images = reported(job, change)
        name_keyed = retrain(job, change)
        changes.append({"change": said, "name_keyed": name_keyed, "ours": ours, "val_images": images})
        lines.append(
            f"{said}: {name_keyed['val_accuracy']:.1%} with {name_keyed['old']} of {name_keyed['copies']} copies' "
            f"bottlenecks from a cache by name, {ours['val_accuracy']:.1%} by content, of {images} validation images"
        )
    found = {"before": {**before, "val_images": before_images}, "changes": changes}
    (job.output / NAME).write_text(json.dumps(found, indent=1) + "\n")
    return "\n  ".join(lines)
