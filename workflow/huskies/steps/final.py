"""final: the classifier to hand over, trained on every photo that is not a test image, only on request.

It is trained as the heads of cross-validation were, so that what those said of photos that they had not seen is what is
said of it: with the regularisation that most of them chose, and kept after the last step. How sure it may be, and what
is none of its classes, it knows from heads that had not seen the photos that they were asked about.
"""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from huskies import outputs
from huskies.backbone import architectures, identity, inference, network
from huskies.backbone.features import Rows
from huskies.errors import HuskyError
from huskies.images import manifest
from huskies.job import Job
from huskies.model import folder, strangers, unseen
from huskies.model.classifier import Classifier
from huskies.model.neighbours import directions
from huskies.page import reliability_chart
from huskies.statistics import calibration, verdicts
from huskies.training import regularisation
from huskies.training.everything import Everything, gather

PICTURE = "reliability.svg"

_COPIES = "copies"


def arm(wanted: str, numbers: dict[str, Any]) -> str:
    """Return which head is handed over: that of `final.head`, or for auto the better one out of fold.

    numbers: those of cross_validation.json. Of equals it is the one without copies.
    """
    if wanted != "auto":
        return wanted
    before, after = outputs.HEADS
    return after if numbers[after]["accuracy"] > numbers[before]["accuracy"] else before


def folds_of(images: pd.DataFrame, asked: pd.DataFrame) -> np.ndarray:
    """Return the fold of each image in the first repeat of cross-validation, int; unseen.TEST for test images.

    asked: its predictions.csv.
    """
    first = asked[asked["repeat"] == "0"].set_index("file")["fold"].astype(int)
    return images["file"].map(first).fillna(unseen.TEST).to_numpy(int)


def settle(parameters: dict[str, Any], chosen: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the section `train` with the regularisation that most heads of cross-validation chose.

    chosen: what each chose. Of equally frequent ones it is the first in the order of the candidates. The heads that the
    temperature and the thresholds come from are trained with it, too: a factor that suits heads of one penalty makes
    those of another far too sure.
    """
    possible = regularisation.candidates(parameters)
    return max(possible, key=lambda each: chosen.count(regularisation.chosen(each)))


def calibrated(logits: np.ndarray, labels: np.ndarray, fold: np.ndarray) -> dict[str, Any]:
    """Return the temperature and what it does: logits, float N × classes, labels and folds, int N, of held-out images.

    What is said to come after is measured fold by fold, at the temperature that the other folds choose.
    """
    bins = {
        "before": calibration.reliability(special.softmax(logits, axis=1), labels),
        "after": calibration.reliability(calibration.held_out(logits, labels, fold), labels),
    }
    errors = {f"error_{key}": round(calibration.expected_error(each), 6) for key, each in bins.items()}
    return {"temperature": calibration.temperature(logits, labels), **errors, "photos": len(labels), "bins": bins}


def refused(
    everything: Everything, fold: np.ndarray, scores: dict[str, np.ndarray], chosen: dict[str, Any], predict: dict
) -> dict[str, Any]:
    """Return the threshold of each method and what it lets through of each class that was left out.

    fold: of the images that are asked about, which come first. scores: theirs, by method. predict: the section.
    """
    names = sorted(everything.images["label"].unique())
    features = Rows(everything.features, np.arange(len(fold)))
    found = strangers.left_out(features, everything.labels[: len(fold)], fold, chosen, predict["accept"])
    photos = [each["photos"] for each in found]
    methods = {
        name: {
            "threshold": strangers.threshold(own, predict["accept"]),
            "let_through": round(float(np.average([each[name] for each in found], weights=photos)), 6)
            if found
            else None,
        }
        for name, own in scores.items()
    }
    left_out = [{"label": names[each["class"]], **{k: v for k, v in each.items() if k != "class"}} for each in found]
    return {**predict, "methods": methods, "left_out": left_out}


def put_weights(parameters: dict[str, Any], output: Path) -> str:
    """Write the backbone's weights, or the network that a file or a folder holds, and return the name of that."""
    file = architectures.weights_file(parameters["weights"])
    if file is None:
        name = "backbone.weights.h5"
        network.save_weights(parameters, output / name)
        return name
    if file.is_dir():
        shutil.copytree(file, output / "backbone")
        return "backbone"
    name = f"backbone{'.weights' if file.stem.endswith('.weights') else ''}{file.suffix}"
    shutil.copyfile(file, output / name)
    return name


def expected(asked: dict[str, Any], head: str) -> str:
    """Return what accuracy is to be expected, in words; asked: the numbers of cross_validation.json."""
    of_head = asked[head]
    said = (
        f"Of new photos of these classes, {of_head['accuracy']:.1%} are expected to be told rightly "
        f"({of_head['low']:.1%} to {of_head['high']:.1%}): the out-of-fold accuracy of heads trained in the same way, "
        f"each asked about photos that it had not seen ({asked['images']} in all)."
    )
    return verdicts.warned(asked, said)


def table(numbers: dict[str, Any]) -> str:
    """Return the numbers of final.json as a few lines of text."""
    calibrated, refused = numbers["calibration"], numbers["none_of_these"]
    lines = [
        numbers["sentence"],
        f"calibration: temperature {calibrated['temperature']:.3g}; expected calibration error "
        f"{calibrated['error_before']:.1%} before, {calibrated['error_after']:.1%} after",
        f'"none of these" by {refused["method"]}, which keeps {refused["accept"]:.0%} of your own photos',
    ]
    if refused["left_out"]:
        lines.append(f"{'':14}{'threshold':>12}{'lets through':>14}  of the photos of a class that it was never shown")
        for name, each in refused["methods"].items():
            lines.append(f"{name:14}{each['threshold']:>12.4g}{each['let_through']:>14.1%}")
    return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Trained:
    """What came out: which head, on how many rows, with which section `train`, and what its like said out of fold.

    fold: int, of each image, unseen.TEST for test images. logits, scores: as unseen.ask returns them.
    """

    head: str
    rows: int
    parameters: dict[str, Any]
    classifier: Classifier
    fold: np.ndarray
    logits: np.ndarray
    scores: dict[str, np.ndarray]


def train(job: Job, everything: Everything, asked: dict[str, Any], head: str) -> Trained:
    """Return the head, trained on all rows of its arm; asked: the numbers of cross_validation.json."""
    rows = len(everything.rows) if head == outputs.HEADS[1] else len(everything.images)
    parameters = {**settle(job.params["train"], asked[head]["chosen"]), "widths": everything.widths}
    features, labels = Rows(everything.features, np.arange(rows)), everything.labels[everything.source[:rows]]
    found = unseen.train(features, labels, parameters)
    fold = folds_of(everything.images, manifest.read(job.inputs["cross_validation"] / outputs.PREDICTIONS))
    logits, scores = unseen.ask(everything, rows, fold, parameters, job.cores, job.stage)
    return Trained(head, rows, parameters, found, fold, logits, scores)


def describe(job: Job, everything: Everything, asked: dict[str, Any], trained: Trained) -> dict[str, Any]:
    """Return what final.json has, but for its format and what is known of the backbone."""
    images, of_head = everything.images, asked[trained.head]
    own = trained.fold[trained.fold != unseen.TEST]
    per_class = manifest.read(job.inputs["cross_validation"] / outputs.PER_CLASS)
    per_class = per_class[per_class["head"] == trained.head].drop(columns="head")
    numbers = {"images": int, "recall": float, "low": float, "high": float}
    return {
        "labels": sorted(images["label"].unique()),
        "sentence": expected(asked, trained.head),
        "head": trained.head,
        "photos": len(images),
        "copies": trained.rows - len(images),
        "with_test": bool((trained.fold == unseen.TEST).any()),
        "out_of_fold": {key: of_head[key] for key in ("accuracy", "low", "high", "balanced")},
        "per_class": per_class.astype(numbers).to_dict("records"),
        "leaks": asked["leaks"],
        "steps": trained.parameters["steps"],
        "chosen": regularisation.chosen(trained.parameters),
        "calibration": calibrated(trained.logits, everything.labels[: len(own)], own),
        "none_of_these": refused(everything, own, trained.scores, trained.parameters, job.params["predict"]),
        "convert": {"quality": job.params["convert"]["quality"], "max_side": job.params["convert"]["max_side"]},
        "provenance": job.provenance,
    }


def run(job: Job) -> str:
    """Fill job.output with the classifier, as model/folder.py has it, table.txt and reliability.svg; return the table.

    Raises HuskyError for bottlenecks in int8, whose quantized backbone is not handed on.
    """
    backbone = inference.settle(job.params["backbone"], job.inputs["split"])
    if backbone["precision"] == "int8":
        raise HuskyError("backbone.precision: a classifier in int8 cannot be handed over. Set it to auto or float32.")
    asked = json.loads((job.inputs["cross_validation"] / outputs.CROSS_VALIDATION).read_text())
    wanted = job.params["final"]
    test = job.inputs["bottlenecks_test"] if wanted["with_test"] else None
    copies, aug, quality = job.output / _COPIES, job.params["aug"], job.params["convert"]["quality"]
    everything = gather(job, copies, aug, job.params["backbone"], quality, test=test, inputs=job.inputs)
    trained = train(job, everything, asked, arm(wanted["head"], asked))
    numbers = describe(job, everything, asked, trained) | {
        "backbone": backbone,
        "weights": put_weights(backbone, job.output),
        "identity": json.loads(identity.read(job.inputs["bottlenecks_original"])),
    }
    images = everything.images[["file", "label", "source", "sha256"]]
    nearby = directions(Rows(everything.features, np.arange(len(images))))
    folder.write(job.output, trained.classifier, nearby, images, numbers)
    shutil.rmtree(copies)
    (job.output / PICTURE).write_text(reliability_chart.draw(numbers["calibration"]["bins"]), encoding="utf-8")
    (job.output / outputs.TABLE).write_text(table(numbers), encoding="utf-8")
    return f"{trained.head} head on {len(images)} photos and {numbers['copies']} copies\n{table(numbers)}".rstrip()
