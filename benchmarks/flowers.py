"""The best honest number on the flowers: what each means is worth to a frozen MobileNetV2, over 20 splits.

Run in the project's folder: `HUSKIES_SHARED=../shared .venv/bin/python benchmarks/flowers.py`, with Keras' weights of
MobileNetV2 at 224 in HUSKIES_SHARED/keras. It takes some twenty minutes on two cores and writes benchmarks/flowers.csv
and benchmarks/flowers_missed.csv, which are not in git; docs/flowers.md has what they and a wider search say. A setting
is one for all splits, and nothing is chosen by the images that a split holds out.
"""

import os
from collections import Counter
from dataclasses import dataclass

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np
import pandas as pd
import threadpoolctl
from clones import PROJECT
from flowers_features import photos, seen
from flowers_heads import HEADS
from huskies.images import codec, groups
from huskies.near_duplicates import comparison, descriptor
from huskies.statistics import intervals
from huskies.steps import group, split
from sklearn.model_selection import StratifiedShuffleSplit

TABLE, MISSED = PROJECT / "benchmarks/flowers.csv", PROJECT / "benchmarks/flowers_missed.csv"
SPLITS, HELD_OUT = 20, 0.2
# Settings are compared with the first; this is what docs/backbones.md has.
RECOMMENDED = "layers 12 to 16, discriminants, the head of this project"
WHOLE, FLIP = ("",), ("", "flip")
CROPS = tuple(f"{corner}{flip}" for flip in ("", " flip") for corner in ("middle", "NW", "NE", "SW", "SE"))
TURNS = ("", "flip", "turn 10", "turn -10", "turn 10 flip", "turn -10 flip")
ALL = "12a 13p 15a 16p last"


@dataclass(frozen=True)
class Setting:
    """A way from photos to labels: features of each view at each side, combined, and a head.

    combined: `mean` of the features over views and sides; `rows`: every view is a training row, and the probabilities
    of an image's views are averaged.
    """

    head: str
    layers: str = "last"
    views: tuple[str, ...] = WHOLE
    sides: tuple[int, ...] = (224,)
    combined: str = "mean"
    pooling: tuple[str, ...] = ("average",)
    resampling: str = "BICUBIC"


def settings() -> dict[str, Setting]:
    """Return every setting by what is said of it."""
    found = {f"last layer, {head}": Setting(head) for head in HEADS if "project" not in head and "average" not in head}
    usual = "standardised, C = 0.1"
    for side in (128, 160, 192, 256, 288, 320):
        found[f"input of {side}, {usual}"] = Setting(usual, sides=(side,))
    for resampling in ("LANCZOS", "BILINEAR"):
        found[f"enlarged by {resampling.lower()}, {usual}"] = Setting(usual, resampling=resampling)
    found[f"average and maximum pooled, {usual}"] = Setting(usual, pooling=("average", "maximum"))
    found[f"mean of flips, {usual}"] = Setting(usual, views=FLIP)
    found[f"flips as rows, {usual}"] = Setting(usual, views=FLIP, combined="rows")
    found[f"ten crops, {usual}"] = Setting(usual, views=CROPS)
    for layers in ("6e", "10e", "12a", "13e", "13p", "14e", "15e", "15a", "16e", "16p"):
        found[f"layers {layers} and last, {usual}"] = Setting(usual, f"{layers} last")
    best = "discriminants, shrinkage 0.5"
    for layers in ("13e last", "13p last", "12a 13p last", "13p 15a 16p"):
        found[f"layers {layers.replace(' ', ', ')}, {best}"] = Setting(best, layers)
    for head in HEADS:
        if head == usual or "shrinkage" in head or "average" in head:
            found[f"layers 12 to 16, {head}"] = Setting(head, ALL)
    for said, more in {
        "mean of flips": {"views": FLIP},
        "flips as rows": {"views": FLIP, "combined": "rows"},
        "ten crops": {"views": CROPS},
        "flips and turns by 10°": {"views": TURNS},
        "input of 192": {"sides": (192,)},
        "input of 256": {"sides": (256,)},
        "input of 320": {"sides": (320,)},
        "inputs of 192, 224 and 256, flips": {"sides": (192, 224, 256), "views": FLIP},
    }.items():
        found[f"layers 12 to 16, {said}, {best}"] = Setting(best, ALL, **more)
    return found | {RECOMMENDED: Setting("the head of this project", ALL)}


def grouped() -> pd.DataFrame:
    """Return the photos with the groups that the stage `group` finds."""
    rows, pixels = photos()
    order = np.argsort(rows["sha256"])
    thumbnails = np.stack([codec.resize(pixels[each], comparison.SIDE) for each in order])
    near = group.find_near(thumbnails, np.concatenate(list(descriptor.compute(thumbnails, 1))), 1)
    pairs = [(rows["file"][order[one]], rows["file"][order[other]]) for one, other, _ in near]
    return rows.assign(group=groups.find_groups(rows, pairs)["group"])


def splits() -> dict[str, list[tuple[np.ndarray, np.ndarray]]]:
    """Return (training photos, held-out photos) of each split, by protocol: `random`, and the project's `grouped`."""
    rows = grouped()
    random = StratifiedShuffleSplit(SPLITS, test_size=HELD_OUT, random_state=0).split(rows, rows["label"])
    ours = []
    for repeat in range(1, SPLITS + 1):
        split_of = split.assign(rows, HELD_OUT, 0, 1, repeat)[0]
        held_out = (rows["group"].map(split_of) == "val").to_numpy()
        ours.append((np.flatnonzero(~held_out), np.flatnonzero(held_out)))
    return {"random": list(random), "grouped": ours}


def features(setting: Setting) -> list[np.ndarray]:
    """Return the features of each view, or their mean, float32, photos × D."""
    keys = [f"{layer} {pool}" for layer in setting.layers.split() for pool in setting.pooling]
    views = [
        np.hstack([seen(side, name, setting.resampling)[key] for key in keys])
        for side in setting.sides
        for name in setting.views
    ]
    return views if setting.combined == "rows" else [np.mean(views, axis=0)]


def predictions(setting: Setting, train: np.ndarray, held_out: np.ndarray) -> np.ndarray:
    """Return the labels that a head, trained on some photos, gives to others."""
    views, labels = features(setting), photos()[0]["label"].to_numpy(str)
    rows, targets = np.concatenate([each[train] for each in views]), np.tile(labels[train], len(views))
    heads = [make().fit(rows, targets) for make in HEADS[setting.head]]
    summed = sum(head.predict_proba(each[held_out]) for head in heads for each in views)
    return heads[0].classes_[summed.argmax(axis=1)]


def main() -> None:
    """Measure all settings and write the result."""
    labels, divided = photos()[0]["label"].to_numpy(str), splits()
    table, plain, counts = [], {}, Counter()
    for said, setting in settings().items():
        for protocol, pairs in divided.items():
            predicted = [predictions(setting, *pair) for pair in pairs]
            right = [each == labels[held_out] for each, (_, held_out) in zip(predicted, pairs, strict=True)]
            accuracies = np.array([each.mean() for each in right])
            gains = accuracies - plain.setdefault(protocol, accuracies)
            low, high, _ = intervals.resampled_mean(gains, HELD_OUT / (1 - HELD_OUT)) or (0.0, 0.0, 1.0)
            halves = accuracies[: SPLITS // 2].mean(), accuracies[SPLITS // 2 :].mean()
            table.append((said, protocol, accuracies.mean(), accuracies.std(ddof=1), *halves, gains.mean(), low, high))
            print(f"{said}, {protocol}: {accuracies.mean():.4f}, {gains.mean():+.4f} ({low:+.4f} to {high:+.4f})")
            if said == RECOMMENDED:
                held = np.concatenate([pair[1] for pair in pairs])
                counts.update(zip(held, np.concatenate(predicted), strict=True))
    columns = ["setting", "splits", "accuracy", "deviation", "first ten", "last ten", "gain", "low", "high"]
    pd.DataFrame(table, columns=columns).to_csv(TABLE, index=False, float_format="%.4f", lineterminator="\n")
    missed(counts).to_csv(MISSED, index=False, lineterminator="\n")


def missed(counts: Counter) -> pd.DataFrame:
    """Return the photos that were ever wrong, the worst first; counts: how often a photo was given a label."""
    rows = photos()[0]
    lines = []
    for photo, label in rows["label"].items():
        given = Counter({taken: times for (each, taken), times in counts.items() if each == photo})
        wrong = given.total() - given[label]
        if wrong:
            taken = next(each for each, _ in given.most_common() if each != label)
            lines.append((rows["file"][photo], label, given.total(), wrong, taken))
    columns = ["file", "label", "held out", "wrong", "taken for"]
    return pd.DataFrame(lines, columns=columns).sort_values(["wrong", "file"], ascending=[False, True])


if __name__ == "__main__":
    with threadpoolctl.threadpool_limits(1):
        main()
