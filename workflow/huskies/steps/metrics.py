"""metrics: both heads side by side, in cross-validation and on one set of validation images, and a verdict.

The verdict is that of cross-validation, which asks every image. Flows without it, as those of the controls, have that
of the validation images.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from huskies import outputs
from huskies.errors import HuskyError
from huskies.images import manifest
from huskies.job import Job
from huskies.statistics import intervals, optimism, verdicts


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


def unflattered(head: dict, predicted: pd.DataFrame, right: np.ndarray, cross_entropy: np.ndarray) -> dict:
    """Return a head's accuracy on images that did not choose its step, and by how much its own exceeds that.

    head: what `describe` returns. right, cross_entropy: points of the history × images, as the training saves them.
    """
    nested = round(optimism.nested_accuracy(right, cross_entropy, predicted["sha256"].to_numpy(str)), 6)
    return {"val_accuracy_nested": nested, "flattery": round(head["val_accuracy"] - nested, 6)}


def compare(before: pd.DataFrame, after: pd.DataFrame) -> dict:
    """Return the gain of `after` over `before`, two predictions of the same images, with interval and paired test.

    Raises HuskyError if they are not of the same images, which would make the comparison worthless.
    """
    if list(before["sha256"]) != list(after["sha256"]):
        raise HuskyError(
            "the two heads were validated on different images. Delete data/train_baseline and "
            "data/train_augmented, and run the same command again."
        )
    right = [(each["label"] == each["predicted"]).to_numpy() for each in (before, after)]
    gain, low, high = intervals.paired_gain(*right)
    won, lost = int((~right[0] & right[1]).sum()), int((right[0] & ~right[1]).sum())
    return {
        "val_accuracy": round(gain, 6),
        "low": round(low, 6),
        "high": round(high, 6),
        "p_value": round(verdicts.exact_mcnemar(won, lost), 6),
        "won": won,
        "lost": lost,
    }


def conclude(metrics: dict) -> dict:
    """Return verdict, images_to_tell and sentence for the gain and the leaks of `metrics`."""
    gain, images = metrics["gain"], metrics["baseline"]["val_images"]
    needed = verdicts.images_to_tell(gain["won"], gain["lost"], images)
    said = verdicts.sentence(gain["val_accuracy"], gain["low"], gain["high"], images, needed)
    return {
        "verdict": verdicts.verdict(gain["low"], gain["high"]),
        "images_to_tell": needed,
        "sentence": verdicts.warned(metrics, said),
    }


def lead(metrics: dict, asked: dict) -> dict:
    """Return `metrics` with what cross-validation says before it, whose verdict and sentence they then are.

    asked: cross_validation.json. What the validation images alone say goes under the key `validation`.
    """
    concluded = ("verdict", "images_to_tell", "sentence")
    of_validation = {key: metrics[key] for key in concluded}
    others = {key: value for key, value in metrics.items() if key not in concluded}
    verdict = {key: asked[key] for key in concluded}
    if not asked["leaks"]:
        # What leaked from test images, cross-validation has nothing to do with; and yet nothing is right then.
        verdict["sentence"] = verdicts.warned(metrics, verdict["sentence"])
    kept = {key: value for key, value in asked.items() if key not in concluded}
    return {**verdict, "cross_validation": kept, **others, "validation": of_validation}


def summary(metrics: dict) -> dict:
    """Return the few numbers that tell experiments apart, as the columns of `dvc exp show`.

    baseline, augmented, gain: accuracy, and by how much it differs; low, high: the gain's interval. Those of
    cross-validation come first, in a group of their own, and then those of the validation images.
    """

    def few(found: dict, accuracy: str) -> dict:
        heads = {name: found[name][accuracy] for name in outputs.HEADS}
        return {**heads, "gain": found["gain"][accuracy], **{end: found["gain"][end] for end in ("low", "high")}}

    asked = metrics.get("cross_validation")
    leading = {"cross_validation": few(asked, "accuracy")} if asked else {}
    others = {"images_to_tell": metrics["images_to_tell"], "leaks": metrics["leaks"]}
    return {**leading, **few(metrics, "val_accuracy"), **others}


def per_class(head: str, predicted: pd.DataFrame) -> pd.DataFrame:
    """Return columns head, label, precision, recall, f1, images, one row for each class, sorted by label.

    Precision is empty where the head predicts the class of no image, and recall where no image is of it.
    """
    labels = sorted({*predicted["label"], *predicted["predicted"]})
    counts = pd.crosstab(predicted["label"], predicted["predicted"]).reindex(labels, columns=labels, fill_value=0)
    right, actual, guessed = pd.Series(np.diag(counts), labels), counts.sum(axis=1), counts.sum(axis=0)
    columns = {"precision": right / guessed, "recall": right / actual, "f1": 2 * right / (actual + guessed)}
    frame = pd.DataFrame(columns).round(6).assign(images=actual, head=head, label=labels)
    return frame[["head", "label", "precision", "recall", "f1", "images"]]


def confusion(head: str, predicted: pd.DataFrame) -> pd.DataFrame:
    """Return columns head, actual, predicted, images, one row for each pair that occurs, sorted by both labels."""
    counts = predicted.groupby(["label", "predicted"]).size().reset_index(name="images")
    return counts.rename(columns={"label": "actual"}).assign(head=head)[["head", "actual", "predicted", "images"]]


def table(metrics: dict) -> str:
    """Return the numbers of the validation images as a few lines of text, after the warning where they are false."""
    lines = [verdicts.warning(metrics)] if metrics["leaks"] else []
    lines += [f"{'':12}{'training images':>16}{'train':>9}{'validation':>12}{'95 % interval':>20}"]
    for name in outputs.HEADS:
        each = metrics[name]
        interval = f"{each['val_accuracy_low']:.1%} to {each['val_accuracy_high']:.1%}"
        lines.append(
            f"{name:12}{each['images']:>16}{each['train_accuracy']:>9.1%}{each['val_accuracy']:>12.1%}{interval:>20}"
        )
    gain = metrics["gain"]
    interval = f"{verdicts.in_points(gain['low']):+.1f} to {verdicts.in_points(gain['high']):+.1f}"
    lines.append(f"{'gain':12}{'':25}{verdicts.in_points(gain['val_accuracy']):>+12.1f}{interval:>20}  points")
    images = metrics["baseline"]["val_images"]
    chosen = ", which also chose the step that was kept" if metrics["chosen_on_validation"] else ""
    lines.append(f"{images} validation images{chosen}; leaks: {metrics['leaks']}")
    if metrics["chosen_on_validation"]:
        first, second = (verdicts.in_points(metrics[name]["flattery"]) for name in outputs.HEADS)
        lines.append(f"that choice flatters the two accuracies by about {first:+.1f} and {second:+.1f} points")
    test = verdicts.p_text(gain["p_value"])
    lines.append(f"augmentation won {gain['won']} of these images and lost {gain['lost']}: exact McNemar test, {test}")
    lines.append(metrics["sentence"])
    return "\n".join(lines) + "\n"


def run(job: Job) -> str:
    """Fill job.output with the numbers, their table, the counts of each class and the predictions; return the table."""
    chosen = job.params["train"]["keep"] == "best"
    metrics, predicted = {}, {}
    for name in outputs.HEADS:
        folder = job.inputs[f"train_{name}"]
        predicted[name] = manifest.read(folder / outputs.VALIDATION)
        metrics[name] = describe(_read(folder / outputs.SCORES), predicted[name])
        if chosen:
            curves = np.load(folder / outputs.RIGHT), np.load(folder / outputs.CROSS_ENTROPY)
            metrics[name] |= unflattered(metrics[name], predicted[name], *curves)
    metrics["gain"] = compare(*predicted.values())
    found = _read(job.inputs["leaks"] / outputs.LEAKS)
    metrics |= {"leaks": found["leaks"], "leaks_action": found["action"], "chosen_on_validation": chosen}
    metrics |= conclude(metrics)
    text = table(metrics)
    if "cross_validation" in job.inputs:
        folder = job.inputs["cross_validation"]
        metrics = lead(metrics, _read(folder / outputs.CROSS_VALIDATION))
        asked = (folder / outputs.TABLE).read_text(encoding="utf-8")
        text = f"{asked}\nOn one set of validation images, as the article has it:\n{text}"
    metrics["provenance"] = job.provenance
    (job.output / outputs.METRICS).write_text(json.dumps(metrics, indent=1) + "\n")
    (job.output / outputs.SUMMARY).write_text(json.dumps(summary(metrics), indent=1) + "\n")
    (job.output / outputs.TABLE).write_text(text, encoding="utf-8")
    for file, count in ((outputs.PER_CLASS, per_class), (outputs.CONFUSION, confusion)):
        rows = pd.concat([count(name, each) for name, each in predicted.items()])
        rows.to_csv(job.output / file, index=False, lineterminator="\n")
    actual = predicted["augmented"][["file", "label", "predicted"]].rename(columns={"label": "actual"})
    actual.to_csv(job.output / outputs.PREDICTIONS, index=False, lineterminator="\n")
    return "\n" + text


def _read(path: Path) -> dict:
    return json.loads(path.read_text())
