"""label_safety: which transforms change the label on these images, only on request.

The baseline head judges copies of training images, each made by one transform alone, beside the same images
untouched. A transform that turns a 6 into a 9 shows by what it loses. So does one that the backbone cannot cope with,
and the numbers cannot tell the two apart: copies.png is for looking. Nor is no warning a proof: a backbone that
hardly sees mirroring, as MobileNetV2 with ImageNet weights (5 points lost on the digits), lets the flip pass.
"""

import json
import shutil
from collections import Counter
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from huskies import cache_file, outputs
from huskies.augmentation import gallery, single_transforms
from huskies.augmentation.copies import copy_seed
from huskies.backbone import identity, inference, kept
from huskies.backbone.features import load_features, rows_of
from huskies.backbone.store import Store
from huskies.errors import some
from huskies.images import codec, contact_sheet
from huskies.job import Job
from huskies.statistics import intervals
from huskies.training import head

NAME = "label_safety.json"
TRANSFORMS = "transforms.csv"
TABLE = "table.txt"
SHEET = "copies.png"

# Training images of each class, at most. On the digits (10 splits), 50 tell the horizontal flip, which loses 34 to 37
# points, well from the policy's Affine with 18 to 22; with 20 it is 28 to 36, and 15 to 23.
PER_CLASS = 50
# The share of all images, or of those of one class (two of many may be at risk), whose loss is a collapse.
OF_ALL, OF_A_CLASS = 0.22, 2 / 3

# Classes on the contact sheet, at most, and the side of an image in pixels.
_SHOWN, _SIDE = 10, 64


def make_copies(
    job: Job, rows: pd.DataFrame, folder: Path
) -> tuple[dict[single_transforms.Trial, list[str]], dict[str, str]]:
    """Fill `folder` with `<sha256>.jpg`; return (sha256 of each copy, by trial; why others make none, by name)."""
    seeds = [copy_seed(job.params["aug"]["seed"], source, 0) for source in rows["source_sha256"]]
    paths = [job.inputs["split"] / file for file in rows["file"]]
    originals = list(zip(paths, rows["sha256"], seeds, strict=True))
    tried = single_transforms.of_policy_and_battery(job.params["aug"]["policy"])
    digests, not_tried = {}, {}
    for trial, copies in single_transforms.copies(tried, originals, job.params["convert"]["quality"], job.cores):
        if isinstance(copies, str):
            not_tried[trial.name] = copies
            continue
        digests[trial] = [codec.sha256(jpeg) for jpeg in copies]
        for digest, jpeg in zip(digests[trial], copies, strict=True):
            (folder / f"{digest}.jpg").write_bytes(jpeg)
    return digests, not_tried


def collapse(labels: np.ndarray, right: np.ndarray, right_after: np.ndarray) -> str:
    """Return "" if the head still knows most images after a transform, else "collapses" and the classes that do.

    labels: of the images, text. right, right_after: bool, whether the head was right untouched and on the copies.
    Flagged is what loses more than OF_ALL of all images, or OF_A_CLASS of one class, by the lower end of an interval.
    The limits were chosen from these figures. 30 splits of the digits, bundled backbone, some 200 training images:
    the lower end is 36 to 91 points for the vertical flip and turns by 90° or more, flagged in all splits; 18 to 36 for
    the horizontal flip, flagged in 28; at most 21 for the policy's Affine and 2 for the mild transforms, never flagged.
    10 splits with 500 images: 46 to 89, 30 to 33, at most 19 and 2: flagged always or never. 30 splits of the
    flowers, MobileNetV2 with ImageNet weights, some 120 images: at most 7 for flips and turns, never flagged.
    """
    _, _, high = intervals.paired_gain(right, right_after)
    collapsed = []
    for label in np.unique(labels[right]):
        known = right & (labels == label)
        if intervals.wilson(int((known & ~right_after).sum()), int(known.sum()))[0] > OF_A_CLASS:
            collapsed.append(str(label))
    if collapsed:
        return f"collapses in {some(collapsed)}"
    return "collapses" if -high > OF_ALL else ""


def most_confused(labels: np.ndarray, right: np.ndarray, after: np.ndarray) -> str:
    """Return the commonest confusion that a transform brings, as "9 → 6: 18 of 20", or "" if it brings none.

    Counted are the images that the head knew untouched: of the 20 of class 9, it takes 18 copies for a 6.
    """
    pairs = Counter(zip(labels[right].tolist(), after[right].tolist(), strict=True))
    wrong = {pair: count for pair, count in pairs.items() if pair[0] != pair[1]}
    if not wrong:
        return ""
    (label, other), count = min(wrong.items(), key=lambda item: (-item[1], item[0]))
    return f"{label} → {other}: {count} of {int((labels[right] == label).sum())}"


def judge(trial: single_transforms.Trial, labels: np.ndarray, before: np.ndarray, after: np.ndarray) -> dict[str, Any]:
    """Return a trial's row. labels, before, after: text, the true and the predicted labels, untouched and of copies."""
    right, right_after = labels == before, labels == after
    gain, low, high = intervals.paired_gain(right, right_after)
    return {
        "transform": trial.name,
        "arguments": trial.steps,
        "in_policy": "yes" if trial.in_policy else "no",
        "images": len(labels),
        "untouched": round(float(right.mean()), 6),
        "copies": round(float(right_after.mean()), 6),
        "drop": round(-gain, 6) + 0.0,
        "low": round(-high, 6),
        "high": round(-low, 6),
        "most_confused": most_confused(labels, right, after),
        "warning": collapse(labels, right, right_after),
    }


def table(ranked: list[dict[str, Any]]) -> str:
    """Return the rows as lines of text, with what each transform loses in points of accuracy."""
    wide = max(len(each["transform"]) for each in ranked)
    lines = [f"{'':{wide}}{'untouched':>11}{'copies':>9}{'lost':>7}{'95 % interval':>17}  most confused"]
    for each in ranked:
        interval = f"{100 * each['low']:+.1f} to {100 * each['high']:+.1f}"
        said = "; ".join(filter(None, [each["most_confused"], each["warning"]]))
        lines.append(
            f"{each['transform']:{wide}}{each['untouched']:>11.1%}{each['copies']:>9.1%}"
            f"{100 * each['drop']:>7.1f}{interval:>17}  {said}".rstrip()
        )
    return "\n".join(lines) + "\n"


def advice(ranked: list[dict[str, Any]], not_tried: dict[str, str]) -> str:
    """Return a warning for each transform of the policy that collapses, and what of the battery not to add."""
    warned = [each for each in ranked if each["warning"]]
    lines = [
        f"WARNING: {each['transform']} {each['warning']}: {100 * each['drop']:.1f} points lost. It changes the label, "
        "or the backbone cannot cope with it. "
        f"Look at data/label_safety/{SHEET}, and limit it or take it out of aug.policy."
        for each in warned
        if each["in_policy"] == "yes"
    ]
    others = [each["transform"] for each in warned if each["in_policy"] == "no"]
    lines += [f"do not add: {', '.join(others)}"] if others else []
    lines += [f"not tried alone: {name}: {reason}" for name, reason in not_tried.items()]
    return "\n".join(lines or ["no transform collapses"]) + "\n"


def sheet(ranked: list[dict[str, Any]], files: dict[str, list[Path]]) -> bytes:
    """Return a PNG of the images in `files`, a row for "untouched" and for each transform, the worst first."""
    captions = {"untouched": "untouched"}
    captions |= {each["transform"]: f"{each['transform']}\n{100 * each['drop']:.1f} points lost" for each in ranked}
    rows = [
        contact_sheet.Row(caption, [contact_sheet.Picture("", file.read_bytes()) for file in files[name]])
        for name, caption in captions.items()
    ]
    return contact_sheet.draw(rows, _SIDE)


def run(job: Job) -> str:
    """Fill job.output with transforms.csv, table.txt, label_safety.json and copies.png; return table and advice."""
    originals = rows_of(job.inputs["split"], "train", "val")
    index, features = load_features(job.inputs["bottlenecks_original"], originals)
    rows = gallery.choose(originals, PER_CLASS)
    untouched = features[pd.Index(index["file"]).get_indexer(rows["file"])]
    folder = job.output / "copies"
    folder.mkdir()
    digests, not_tried = make_copies(job, rows, folder)
    made = pd.DataFrame({"sha256": list(chain(*digests.values()))})
    made["file"] = made["sha256"] + ".jpg"
    parameters = inference.settle(job.params["backbone"], job.inputs["split"])
    read = (job.inputs[stage] for stage in ("bottlenecks_original", "train_baseline"))
    identity.check(*read, computed=identity.of(job, parameters))
    with Store(cache_file.database_folder()) as store:
        copied, _ = kept.fill(job, store, folder, made, parameters, folder / outputs.FEATURES)

    trained = job.inputs["train_baseline"]
    labels = np.array((trained / outputs.LABELS).read_text(encoding="utf-8").splitlines())
    probabilities = head.predict_with(trained / head.NAME, np.concatenate([untouched, copied]))
    before, *after = labels[probabilities.argmax(axis=1)].reshape(-1, len(rows))
    true = rows["label"].to_numpy(str)
    ranked = [judge(trial, true, before, each) for trial, each in zip(digests, after, strict=True)]
    ranked.sort(key=lambda row: -row["drop"])

    pd.DataFrame(ranked).to_csv(job.output / TRANSFORMS, index=False, lineterminator="\n")
    (job.output / TABLE).write_text(table(ranked), encoding="utf-8")
    judged_by = {"backbone": job.params["backbone"], "provenance": job.provenance}
    results = {"transforms": ranked, "not_tried": not_tried, **judged_by}
    (job.output / NAME).write_text(json.dumps(results, indent=1) + "\n")
    shown = rows.drop_duplicates("label").index[:_SHOWN]
    files = {"untouched": [job.inputs["split"] / rows["file"][row] for row in shown]}
    files |= {trial.name: [folder / f"{each[row]}.jpg" for row in shown] for trial, each in digests.items()}
    (job.output / SHEET).write_bytes(sheet(ranked, files))
    shutil.rmtree(folder)
    return f"\n{table(ranked)}{advice(ranked, not_tried)}"
