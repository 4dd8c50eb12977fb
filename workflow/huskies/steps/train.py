"""train_baseline, train_augmented: a new last layer on bottlenecks, without and with the augmented copies.

Both see the same validation images and take the same number of steps; they differ in the training rows alone.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from huskies import outputs
from huskies.backbone import identity
from huskies.backbone.features import load_features, rows_of
from huskies.images import manifest
from huskies.job import Job
from huskies.training import fit, head, regularisation, saved


def load_rows(job: Job) -> tuple[pd.DataFrame, list[np.ndarray], pd.DataFrame]:
    """Return (index, float32 features, rows of the manifests) of all images of the stage, checked against each other.

    The features are memory-mapped: those of the originals, and of train_augmented those of the copies.
    """
    images = rows_of(job.inputs["split"], "train", "val")
    index, features = load_features(job.inputs["bottlenecks_original"], images)
    if job.stage == "train_baseline":
        return index, [features], images
    identity.check(job.inputs["bottlenecks_original"], job.inputs["bottlenecks_augmented"])
    copies = manifest.read(job.inputs["augment"] / manifest.NAME)
    copied_index, copied = load_features(job.inputs["bottlenecks_augmented"], copies)
    parts = ([index, copied_index], [images, copies])
    index, rows = (pd.concat(each, ignore_index=True) for each in parts)
    return index, [features, copied], rows


def run(job: Job) -> str:
    """Fill job.output with what `save` writes, scores.json and the identity of the bottlenecks; return a line on it.

    TensorBoard's folder gets the curves.
    """
    index, features, rows = load_rows(job)
    labels, train, validation = fit.divide(index, features)
    widths = identity.widths(job.inputs["bottlenecks_original"])
    parameters = regularisation.choose(train, rows[rows["split"] == "train"], widths, job.params["train"])
    fitted = fit.fit(train, validation, len(labels), parameters, job.stage)
    scores = saved.save(job.output, index, labels, validation[0], fitted)
    scores["chosen"] = regularisation.chosen(parameters)
    (job.output / outputs.SCORES).write_text(json.dumps(scores, indent=1) + "\n")
    (job.output / identity.NAME).write_text(identity.read(job.inputs["bottlenecks_original"]))
    head.write_events(fitted[1], Path(job.output.parent), job.stage)
    return (
        f"{scores['images']} training images, kept step {scores['step']} of {parameters['steps']}: "
        f"train {scores['train_accuracy']:.1%}, validation {scores['val_accuracy']:.1%}"
    )
