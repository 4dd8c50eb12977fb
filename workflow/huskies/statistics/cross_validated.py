"""What cross-validation says: both heads on every image that is not a test image, each image out of its fold."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from huskies.statistics import clustered, intervals, verdicts


def summarise(right: Mapping[str, np.ndarray], images: pd.DataFrame) -> dict[str, Any]:
    """Return the numbers of both heads, the gain and the verdict, as cross_validation.json has them.

    right: bool, repeats × images, whether each head, by its name, was right, that without copies first. images:
    columns label and group.
    won and lost: how many images augmentation won and lost, in the mean of the repeats.
    """
    groups, labels = (pd.factorize(images[column])[0] for column in ("group", "label"))
    before, after = right.values()
    found = clustered.gain(before, after, groups)
    needed = images_to_tell(found, len(images))
    won, lost = ((one & ~other).sum() / len(before) for one, other in ((after, before), (before, after)))
    return {
        **{head: _head(each, groups, labels) for head, each in right.items()},
        "gain": {**_named("accuracy", found), "won": round(float(won), 6), "lost": round(float(lost), 6)},
        "images": len(images),
        "groups": int(groups.max()) + 1,
        "verdict": verdicts.verdict(found[1], found[2]),
        "images_to_tell": needed,
        "sentence": sentence(found, len(images), needed),
    }


def _head(right: np.ndarray, groups: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
    balanced = clustered.balanced_accuracy(right, groups, labels)
    return {**_named("accuracy", clustered.accuracy(right, groups)), "balanced": _named("accuracy", balanced)}


def _named(name: str, found: tuple[float, float, float]) -> dict[str, float]:
    return {key: round(each, 6) for key, each in zip((name, "low", "high"), found, strict=True)}


def per_class(right: Mapping[str, np.ndarray], images: pd.DataFrame) -> pd.DataFrame:
    """Return columns head, label, images, recall, low, high, one row for each head and class; as for `summarise`."""
    rows = []
    for head, of_head in right.items():
        for label, members in images.reset_index(drop=True).groupby("label").groups.items():
            groups = pd.factorize(images["group"].to_numpy()[members])[0]
            recall = _named("recall", clustered.accuracy(of_head[:, members], groups))
            rows.append({"head": head, "label": label, "images": len(members), **recall})
    return pd.DataFrame(rows)


def images_to_tell(found: tuple[float, float, float], images: int) -> int | None:
    """Return how many images would tell a gain of this size from none, with 80 % power; None where there is none.

    found: what `gain` returns. Intervals shrink with the root of the number of images.
    """
    mean, low, high = found
    if abs(mean) < 1e-9:
        return None
    reach = stats.norm.ppf((1 + intervals.LEVEL) / 2)
    error = (high - low) / 2 / reach
    wanted = reach + stats.norm.ppf(verdicts.POWER)
    return math.ceil(images * (wanted * error / mean) ** 2)


def sentence(found: tuple[float, float, float], images: int, needed: int | None) -> str:
    """Return the verdict of cross-validation in words: found as `gain` returns it, needed from `images_to_tell`."""
    mean, low, high = found
    if verdicts.verdict(low, high) != verdicts.CANNOT_BE_TOLD:
        return f"Augmentation {verdicts.effect(mean, low, high)} on {images} images, each held out in turn."
    return f"With {images} images, each held out in turn, {verdicts.undecided(mean, low, high, needed)}"


def table(numbers: Mapping[str, Any]) -> str:
    """Return the numbers of cross_validation.json as a few lines of text, after the warning where they are false."""
    lines = [verdicts.warning(numbers)] if numbers["leaks"] else []
    lines += [f"{'':12}{'training images':>16}{'accuracy':>12}{'95 % interval':>20}{'balanced':>12}"]
    for head in ("baseline", "augmented"):
        each = numbers[head]
        interval = f"{each['low']:.1%} to {each['high']:.1%}"
        balanced = each["balanced"]["accuracy"]
        lines.append(f"{head:12}{each['training_images']:>16}{each['accuracy']:>12.1%}{interval:>20}{balanced:>12.1%}")
    gain = numbers["gain"]
    interval = f"{verdicts.in_points(gain['low']):+.1f} to {verdicts.in_points(gain['high']):+.1f}"
    lines.append(f"{'gain':12}{'':16}{verdicts.in_points(gain['accuracy']):>+12.1f}{interval:>20}{'points':>12}")
    times = "once" if numbers["repeats"] == 1 else f"{numbers['repeats']} times"
    folds = f"{numbers['folds']} folds, {times}"
    lines.append(f"{numbers['images']} images, each held out in turn ({folds}); leaks: {numbers['leaks']}")
    lines.append(numbers["sentence"])
    return "\n".join(lines) + "\n"
