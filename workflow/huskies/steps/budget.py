"""budget: what more photos would bring, what more copies, and which class to photograph next, only on request.

The folds are those of cross_validation, whose answers are the last point of the curve. For the others, heads are
trained on parts of what they were trained on there, the smaller part within the larger, and asked the same images.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from huskies import outputs
from huskies.images import manifest, subsets
from huskies.job import Job
from huskies.page import curve_chart, template
from huskies.statistics import more_photos, verdicts
from huskies.statistics.learning_curve import Curve
from huskies.training import out_of_fold
from huskies.training.everything import Everything, gather

NAME = "budget.json"
ANSWERS = "answers.csv"
PAGE = "budget.html"
CURVE = "curve.svg"
TEMPLATE = Path(__file__).parent / "budget.html"
# Parts of each class's photos in the other folds; the last is all of them.
SHARES = (0.25, 0.5, 0.75, 1.0)

_COPIES = "copies"


def known(everything: Everything, asked: pd.DataFrame, repeats: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return (the fold of each image, whether each head was right), repeats × images, as cross_validation has them.

    asked: its predictions.csv.
    """
    of_repeats = [asked[asked["repeat"] == str(repeat)].set_index("file") for repeat in range(repeats)]
    rows = [each.loc[everything.images["file"]] for each in of_repeats]
    fold_of = np.stack([each["fold"].to_numpy(int) for each in rows])
    right = {head: [(each[head] == each["label"]).to_numpy() for each in rows] for head in outputs.HEADS}
    return fold_of, {head: np.stack(each) for head, each in right.items()}


def parts(everything: Everything, fold_of: np.ndarray, seed: int) -> np.ndarray:
    """Return which images are trained on, bool, shares × repeats × folds × images; fold_of: repeats × images."""
    of_repeats = [
        subsets.nested(everything.images, folds, SHARES, repeat, seed) for repeat, folds in enumerate(fold_of)
    ]
    return np.stack(of_repeats, axis=1)


def first_half(source: np.ndarray, images: int, factor: int) -> np.ndarray:
    """Return which rows are images or in the first half of an image's copies, bool; source: as Everything has it."""
    of_copies = pd.Series(source[images:])
    return np.concatenate([np.ones(images, bool), of_copies.groupby(of_copies).cumcount() < factor // 2])


def ask(
    job: Job, everything: Everything, fold_of: np.ndarray, kept: np.ndarray, train: dict[str, Any]
) -> dict[str, np.ndarray]:
    """Return whether each head was right, bool, settings × repeats × images.

    fold_of: int, repeats × images. kept: bool, settings × repeats × folds × rows, which rows are trained on.
    """
    settings, repeats = kept.shape[:2]
    rows = everything.features, everything.labels, everything.source
    folds, masks = np.tile(fold_of, (settings, 1)), kept.reshape(-1, *kept.shape[2:])
    parameters = {**train, "widths": everything.widths}
    found = out_of_fold.predict(*rows, folds, parameters, job.cores, job.stage, masks)
    right = np.stack([probabilities.argmax(axis=1) == everything.labels for probabilities, _ in found])
    by_head = right.reshape(settings, repeats, len(outputs.HEADS), -1)
    return {head: by_head[:, :, number] for number, head in enumerate(outputs.HEADS)}


def learn(
    job: Job, everything: Everything, aug: dict[str, Any], seed: int, train: dict[str, Any]
) -> tuple[dict[str, Curve], dict[str, Any] | None]:
    """Return (the curve of each head, what the second half of the copies brought, or None where there is none)."""
    asked = manifest.read(job.inputs["cross_validation"] / outputs.PREDICTIONS)
    fold_of, last = known(everything, asked, asked["repeat"].nunique())
    images = parts(everything, fold_of, seed)
    kept = images[:-1, ..., everything.source]
    if halves := aug["factor"] > 1:
        fewer = first_half(everything.source, len(everything.images), aug["factor"])
        kept = np.concatenate([kept, np.broadcast_to(fewer, (1, *kept.shape[1:]))])
    right = ask(job, everything, fold_of, kept, train)
    labels = everything.labels
    photos = images.mean(axis=(1, 2)).sum(axis=1) / (labels.max() + 1)
    groups, now = pd.factorize(everything.images["group"])[0], len(labels) / (labels.max() + 1)
    curves = {
        head: Curve(np.concatenate([right[head][: len(SHARES) - 1], last[head][None]]), photos, groups, now)
        for head in (outputs.HEADS if aug["factor"] else outputs.HEADS[:1])
    }
    if not halves:
        return curves, None
    brought = more_photos.of_more_copies(right["augmented"][-1], last["augmented"], groups)
    return curves, {"half": aug["factor"] // 2, "all": aug["factor"], **brought}


def answers(everything: Everything, curves: dict[str, Curve]) -> pd.DataFrame:
    """Return file, label, group, share, repeat and, by head, 1 where it was right, for each point, repeat and image."""
    share, repeat, image = (each.ravel() for each in np.indices(next(iter(curves.values())).right.shape))
    found = everything.images[["file", "label", "group"]].iloc[image].reset_index(drop=True)
    right = {head: curve.right.ravel().astype(int) for head, curve in curves.items()}
    return found.assign(share=np.array(SHARES)[share], repeat=repeat, **right)


def page(numbers: dict[str, Any], figure: str) -> str:
    """Return budget.html, which holds the figure and the numbers of budget.json."""
    heads = list(numbers["forecast"])
    worth = ["copies are worth, points"] if len(heads) > 1 else []
    return template.page(
        TEMPLATE,
        numbers=numbers,
        heads=heads,
        columns=["photos a class", *(more_photos.SPOKEN[head] for head in heads), *worth],
        spoken=more_photos.SPOKEN,
        warning=verdicts.warning(numbers),
        figure=Markup(figure),
        alt=curve_chart.CAPTION,
    )


def run(job: Job) -> str:
    """Fill job.output with budget.json, table.txt, budget.html, curve.svg and answers.csv; return what they say."""
    aug, backbone, quality = job.params["aug"], job.params["backbone"], job.params["convert"]["quality"]
    everything = gather(job, job.output / _COPIES, aug, backbone, quality, job.inputs)
    curves, copies = learn(job, everything, aug, job.params["split"]["seed"], job.params["train"])
    shutil.rmtree(job.output / _COPIES)
    asked = json.loads((job.inputs["cross_validation"] / outputs.CROSS_VALIDATION).read_text())
    numbers = more_photos.summarise(curves, SHARES, everything.images["label"].to_numpy(str), copies, asked["leaks"])
    figure = curve_chart.draw(numbers)
    (job.output / NAME).write_text(json.dumps({**numbers, "provenance": job.provenance}, indent=1) + "\n")
    (job.output / outputs.TABLE).write_text(more_photos.table(numbers), encoding="utf-8")
    (job.output / CURVE).write_text(figure, encoding="utf-8")
    (job.output / PAGE).write_text(page(numbers, figure), encoding="utf-8")
    answers(everything, curves).to_csv(job.output / ANSWERS, index=False, lineterminator="\n")
    return f"\n{more_photos.table(numbers)}{job.output.parent / job.stage / PAGE}"
