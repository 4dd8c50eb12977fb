"""cross_validation: every image that is not a test image is asked of heads that were trained without its fold.

The copies of validation images, which no other stage makes, are made here, and are gone when the stage ends. No group
crosses a fold, so neither does an image and its copies, whichever way they are known to belong together.
"""

import json
import shutil
from dataclasses import dataclass

import numpy as np
import pandas as pd

from huskies import outputs
from huskies.backbone.features import Rows
from huskies.images import folds, pairs
from huskies.job import Job
from huskies.near_duplicates import across, leaking
from huskies.page import label_issues
from huskies.statistics import cross_validated, verdicts
from huskies.training import out_of_fold, regularisation
from huskies.training.everything import Everything, gather

_COPIES = "copies"


def check(job: Job, everything: Everything, fold_of: np.ndarray, action: str) -> pd.DataFrame:
    """Return the leaks between folds as leaking.COLUMNS; raise HuskyError for any if `action` is fail.

    fold_of: int, repeats × images. Looked for are rows of two folds that belong together, and near-duplicates of two
    groups: any two groups may be in different folds.
    """
    images, source = everything.images, everything.source
    crossing = pd.concat([folds.crossing(everything.rows, fold[source]) for fold in fold_of])
    crossing = crossing.rename(columns={"other": "held_out"}).assign(similarity="")
    different = pairs.by_content(pairs.known_to(job.files).different, images)
    features = everything.features[0], Rows(everything.features, np.arange(len(source)))
    near = across.find_near_groups(job.inputs["split"], images, features, source, job.cores, different, job.stage)
    leaks = pd.concat([crossing[leaking.COLUMNS], near]).drop_duplicates(ignore_index=True)
    if len(leaks):
        leaking.leave_pairs(leaks, images)
        if action == "fail":
            leaking.refuse(job, leaks, leaking.draw(leaks, [job.inputs["split"]]))
    return leaks


@dataclass(frozen=True)
class Asked:
    """What came out: the fold of each image, repeats × images, and by head the probabilities, × classes, float32.

    chosen: by head, what `auto` in the section `train` stands for, of each repeat and fold in turn.
    """

    fold_of: np.ndarray
    probabilities: dict[str, np.ndarray]
    chosen: dict[str, list[dict]]


def ask(job: Job, everything: Everything, fold_of: np.ndarray) -> Asked:
    """Return what both heads say of every image out of its fold; fold_of: int, repeats × images."""
    rows = everything.features, everything.labels, everything.source
    parameters = {**job.params["train"], "widths": everything.widths}
    found, settled = zip(*out_of_fold.predict(*rows, fold_of, parameters, job.cores, job.stage), strict=True)
    probabilities, chosen = {}, {}
    for number, head in enumerate(outputs.HEADS):
        probabilities[head] = np.stack(found[number::2])
        chosen[head] = [regularisation.chosen(each) for arm in settled[number::2] for each in arm]
    return Asked(fold_of, probabilities, chosen)


def answers(images: pd.DataFrame, asked: Asked) -> pd.DataFrame:
    """Return a row for each repeat and image: file, label, group, sha256, repeat, fold, and both heads' answers."""
    names = sorted(images["label"].unique())
    frames = []
    for repeat, fold in enumerate(asked.fold_of):
        frame = images[["file", "label", "group", "sha256"]].assign(repeat=repeat, fold=fold)
        for head, probabilities in asked.probabilities.items():
            frame[head] = [names[each] for each in probabilities[repeat].argmax(axis=1)]
        for head, probabilities in asked.probabilities.items():
            columns = [f"{head}_p_{name}" for name in names]
            values = np.round(probabilities[repeat].astype(float), 6)
            frame = pd.concat([frame, pd.DataFrame(values, columns=columns, index=frame.index)], axis=1)
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def measure(job: Job, everything: Everything, asked: Asked, leaks: int, action: str) -> tuple[dict, pd.DataFrame]:
    """Return (what cross_validation.json has, the numbers of each class)."""
    images, parameters = everything.images, job.params["cross_validation"]
    right = {head: each.argmax(axis=2) == everything.labels for head, each in asked.probabilities.items()}
    numbers = {**parameters, **cross_validated.summarise(right, images), "leaks": leaks, "leaks_action": action}
    share = (parameters["folds"] - 1) / parameters["folds"]
    for head, rows in zip(outputs.HEADS, (len(images), len(everything.rows)), strict=True):
        numbers[head]["training_images"] = round(rows * share)
        numbers[head]["chosen"] = asked.chosen[head]
    numbers["sentence"] = verdicts.warned(numbers, numbers["sentence"])
    return numbers, cross_validated.per_class(right, images)


def issues(everything: Everything, asked: Asked) -> pd.DataFrame:
    """Return the photos whose labels look wrong, in the form of corrections.csv."""
    of_both = np.mean([each.mean(axis=0) for each in asked.probabilities.values()], axis=0)
    doubted = label_issues.doubted(everything.images, everything.features[0], of_both)
    return label_issues.to_correct(doubted, everything.images)


def run(job: Job) -> str:
    """Fill job.output with cross_validation.json, its table, and four CSVs; return a line on it.

    They are predictions.csv, per_class.csv, label_issues.csv, and where there are leaks in spite of which the run goes
    on, leaks.csv.
    """
    parameters, gate = job.params["cross_validation"], job.params["leaks"]
    quality = job.params["convert"]["quality"]
    everything = gather(job, job.output / _COPIES, job.params["aug"], job.params["backbone"], quality, job.inputs)
    seed, repeats = job.params["split"]["seed"], range(parameters["repeats"])
    fold_of = [folds.assign(everything.images, parameters["folds"], repeat, seed) for repeat in repeats]
    leaks = check(job, everything, np.stack(fold_of), gate["action"])
    asked = ask(job, everything, np.stack(fold_of))
    shutil.rmtree(job.output / _COPIES)
    numbers, classes = measure(job, everything, asked, len(leaks), gate["action"])
    tables = {
        outputs.PREDICTIONS: answers(everything.images, asked),
        outputs.PER_CLASS: classes,
        outputs.LABEL_ISSUES: issues(everything, asked),
    }
    for name, table in {**tables, **({outputs.LEAKING: leaks} if len(leaks) else {})}.items():
        table.to_csv(job.output / name, index=False, lineterminator="\n")
    (job.output / outputs.CROSS_VALIDATION).write_text(json.dumps(numbers, indent=1) + "\n")
    (job.output / outputs.TABLE).write_text(cross_validated.table(numbers), encoding="utf-8")
    without, augmented = (f"{numbers[head]['accuracy']:.1%}" for head in outputs.HEADS)
    images = len(everything.images)
    return f"{images} images, each held out in turn: {without} and, with copies, {augmented}; {len(leaks)} leaks"
