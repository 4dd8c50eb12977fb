"""The runs of the sweep: what each setting was worth on each split, and gains with intervals over splits.

A gain is over the head without copies, of the same training images, on the same validation images.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from huskies import outputs
from huskies.errors import HuskyError
from huskies.images import manifest
from huskies.statistics import intervals

NONE = "none"
_CELL = ["policy", "factor", "train_per_class"]


def read(inputs: Mapping[str, Path]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return (runs, answers) of the folders of metrics, by setting: policy/factor/train_per_class/split.

    runs: those four, train_images, val_images, val_accuracy and gain, one row for each setting, sorted. answers: those
    four, file, and whether it was right (bool), one row for each setting and validation image.
    """
    runs, answers = [], []
    for key, folder in inputs.items():
        policy, *numbers = key.split("/")
        setting = dict(zip([*_CELL, "split"], [policy, *map(int, numbers)], strict=True))
        metrics = json.loads((folder / outputs.METRICS).read_text())
        if metrics["leaks"]:
            raise HuskyError(
                f"{folder}: held-out images leaked into the training ({metrics['leaks']} of them), so that the sweep "
                "would be false. Set group.near_duplicates to true and leaks.action to fail in params.yaml."
            )
        images = {"train_images": metrics["baseline"]["images"], "val_images": metrics["baseline"]["val_images"]}
        runs.append({**setting, **images, "val_accuracy": metrics["augmented"]["val_accuracy"]})
        predicted = manifest.read(folder / outputs.PREDICTIONS)
        right = predicted["actual"] == predicted["predicted"]
        answers.append(predicted[["file"]].assign(right=right, **setting))
    found = pd.DataFrame(runs).sort_values([*_CELL, "split"], ignore_index=True)
    without = found[found["policy"] == NONE].set_index(["train_per_class", "split"])["val_accuracy"]
    before = without.loc[pd.MultiIndex.from_frame(found[["train_per_class", "split"]])].to_numpy()
    return found.assign(gain=found["val_accuracy"] - before), pd.concat(answers, ignore_index=True)


def held_out(runs: pd.DataFrame) -> float:
    """Return the validation images for each training image where there are the most of these, for resampled_mean.

    Fewer training images are drawn from the same splits, and overlap less; so their intervals err on the wide side.
    """
    return float(runs["val_images"].mean() / runs["train_images"].max())


def mean_gain(runs: pd.DataFrame, ratio: float) -> tuple[float, float, float]:
    """Return (mean, low, high) of the gains of all runs; low and high are NaN where splits say nothing of the spread.

    Gains are averaged within each split first, since runs on one split share its images. ratio: as held_out has it.
    """
    gains = runs.groupby("split")["gain"].mean().to_numpy()
    low, high, _ = intervals.resampled_mean(gains, ratio) or (np.nan, np.nan, np.nan)
    return float(gains.mean()), low, high


def cells(runs: pd.DataFrame) -> pd.DataFrame:
    """Return policy, factor, train_per_class, splits, train_images, val_images, val_accuracy, gain, low, high.

    One row for each cell: means over its splits, and the interval of the gain.
    """
    ratio, rows = held_out(runs), []
    for cell, group in runs.groupby(_CELL):
        means = group[["train_images", "val_images", "val_accuracy"]].mean().round(6).to_dict()
        gains = dict(zip(["gain", "low", "high"], np.round(mean_gain(group, ratio), 6), strict=True))
        rows.append({**dict(zip(_CELL, cell, strict=True)), "splits": len(group), **means, **gains})
    return pd.DataFrame(rows)


def by_copies(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the runs with copies where there are the most training images, which differ in policy and copies alone."""
    return runs[(runs["factor"] > 0) & (runs["train_per_class"] == runs["train_per_class"].max())]


def by_images(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the learning curve: the runs with as many copies as where there are the fewest images, and mixup's."""
    fewest = runs[runs["train_per_class"] == runs["train_per_class"].min()]
    return runs[runs["factor"].isin([0, fewest["factor"].max()]) & (runs["policy"] != NONE)]
