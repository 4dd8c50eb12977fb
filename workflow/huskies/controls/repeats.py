"""repeats: the whole comparison over several splits, with an interval that knows that their training sets overlap."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from huskies import outputs
from huskies.job import Job
from huskies.statistics import intervals, verdicts

COLUMNS = ["repeat", "train_images", "val_images", "baseline", "augmented", "won", "lost", "flattery"]


def spread(values: np.ndarray, held_out: float) -> dict[str, float | None]:
    """Return mean, standard_deviation, low, high and p_value (against 0) of one value a split.

    values, held_out: as for intervals.resampled_mean. What one split, or splits that all agree, cannot tell is None.
    """
    found = intervals.resampled_mean(values, held_out) or (None, None, None)
    deviation = values.std(ddof=1) if len(values) > 1 else None
    numbers = [float(values.mean()), deviation, *found]
    names = ("mean", "standard_deviation", "low", "high", "p_value")
    return {name: each if each is None else round(float(each), 6) for name, each in zip(names, numbers, strict=True)}


def accuracy(values: np.ndarray, held_out: float) -> dict[str, float | None]:
    """Return the spread of accuracies, whose interval cannot leave 0 to 1, and which nobody tests against 0."""
    found = spread(values, held_out)
    del found["p_value"]
    if found["low"] is not None:
        found |= {"low": max(found["low"], 0.0), "high": min(found["high"], 1.0)}
    return found


def summarise(rows: pd.DataFrame) -> dict[str, Any]:
    """Return what all splits say together.

    rows: COLUMNS, one row for each repeat: the training images (originals) and validation images of its split, both
    heads' validation accuracies, how many validation images augmentation won and lost, and by how much the choice
    of the step flatters (NaN where none was chosen). Fractions, not points.
    """
    held_out = rows["val_images"].mean() / rows["train_images"].mean()
    baseline, augmented = (rows[name].to_numpy(float) for name in ("baseline", "augmented"))
    won, lost, images = (int(rows[name].sum()) for name in ("won", "lost", "val_images"))
    flattery = rows["flattery"].astype(float).mean()
    gain = spread(augmented - baseline, held_out)
    known = gain["low"] is not None
    needed = verdicts.images_to_tell(won, lost, images)
    return {
        "splits": len(rows),
        "train_images": round(float(rows["train_images"].mean()), 1),
        "val_images": round(float(rows["val_images"].mean()), 1),
        "baseline": accuracy(baseline, held_out),
        "augmented": accuracy(augmented, held_out),
        "gain": {**gain, "won": won, "lost": lost},
        "flattery": None if np.isnan(flattery) else round(float(flattery), 6),
        "verdict": verdicts.verdict(gain["low"], gain["high"]) if known else verdicts.CANNOT_BE_TOLD,
        "images_to_tell": needed,
        "sentence": sentence(gain, len(rows), needed),
    }


def sentence(gain: dict[str, float | None], splits: int, needed: int | None) -> str:
    """Return the verdict in words: gain as `spread` returns it, `needed` from verdicts.images_to_tell."""
    mean = f"{verdicts.in_points(gain['mean']):+.1f} points"
    if splits == 1:
        return f"One split, with a gain of {mean}, cannot tell whether augmentation helped: ask for more repeats."
    if gain["low"] is None:
        return (
            f"Over {splits} splits it cannot be told whether augmentation helped: the gain was {mean} in every one, "
            "so that its spread is unknown."
        )
    if verdicts.verdict(gain["low"], gain["high"]) != verdicts.CANNOT_BE_TOLD:
        return f"Over {splits} splits, augmentation {verdicts.effect(gain['mean'], gain['low'], gain['high'])}."
    low, high = verdicts.in_points(gain["low"]), verdicts.in_points(gain["high"])
    return (
        f"Over {splits} splits it cannot be told whether augmentation helped: the mean gain of {mean} lies between "
        f"{low:+.1f} and {high:+.1f}. {verdicts.what_it_takes(needed, ' validation images in one split')}"
    )


def table(summary: dict[str, Any], rows: pd.DataFrame) -> str:
    """Return the splits one by one, their mean, spread and interval, and the sentence, as lines of text."""
    heads = ("baseline", "augmented", "gain")
    lines = [_line("repeat", "training", "validation", *heads)]
    for row in rows.itertuples():
        gain = verdicts.in_points(row.augmented - row.baseline)
        accuracies = f"{row.baseline:.1%}", f"{row.augmented:.1%}", f"{gain:+.1f}"
        lines.append(_line(f"{row.repeat}", f"{row.train_images}", f"{row.val_images}", *accuracies))
    images = f"{summary['train_images']:g}", f"{summary['val_images']:g}"
    for label, name in (("mean", "mean"), ("95 % interval from", "low"), ("95 % interval to", "high")):
        numbers = [summary[head][name] for head in heads]
        shown = [*map(_percent, numbers[:2]), _points(numbers[2])]
        lines.append(_line(label, *(images if name == "mean" else ("", "")), *shown))
    deviations = [summary[head]["standard_deviation"] for head in heads]
    lines.append(
        _line("standard deviation", "", "", *("-" if each is None else f"{100 * each:.1f}" for each in deviations))
    )
    gain = summary["gain"]
    if gain["p_value"] is not None:
        lines.append(f"corrected resampled t-test of the gain: {verdicts.p_text(gain['p_value'])}")
    if summary["flattery"] is not None:
        flattery = verdicts.in_points(summary["flattery"])
        lines.append(f"the choice of the step flatters by about {flattery:+.1f} points")
    lines.append(summary["sentence"])
    return "\n".join(lines) + "\n"


def _line(label: str, *cells: str) -> str:
    return (f"{label:18}" + "".join(f"{cell:>12}" for cell in cells)).rstrip()


def _percent(fraction: float | None) -> str:
    return "-" if fraction is None else f"{fraction:.1%}"


def _points(fraction: float | None) -> str:
    return "-" if fraction is None else f"{verdicts.in_points(fraction):+.1f}"


def row(number: int, metrics: dict[str, Any]) -> dict[str, Any]:
    """Return the row of COLUMNS for the metrics.json of one repeat."""
    baseline, augmented, gain = metrics["baseline"], metrics["augmented"], metrics["gain"]
    return {
        "repeat": number,
        "train_images": baseline["images"],
        "val_images": baseline["val_images"],
        "baseline": baseline["val_accuracy"],
        "augmented": augmented["val_accuracy"],
        "won": gain["won"],
        "lost": gain["lost"],
        "flattery": np.mean([each.get("flattery", np.nan) for each in (baseline, augmented)]),
    }


def run(job: Job) -> str:
    """Fill job.output with repeats.csv, repeats.json and table.txt; return the table."""
    numbers = sorted(int(name.removeprefix("metrics_")) for name in job.inputs)
    rows = pd.DataFrame([row(each, _read(job.inputs[f"metrics_{each}"])) for each in numbers], columns=COLUMNS)
    summary = summarise(rows)
    rows.to_csv(job.output / "repeats.csv", index=False, lineterminator="\n")
    (job.output / "repeats.json").write_text(json.dumps(summary, indent=1) + "\n")
    text = table(summary, rows)
    (job.output / "table.txt").write_text(text, encoding="utf-8")
    return f"\n{text.rstrip()}"


def _read(folder: Path) -> dict[str, Any]:
    return json.loads((folder / outputs.METRICS).read_text())
