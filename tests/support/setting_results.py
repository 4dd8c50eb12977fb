"""Made-up results of settings: the folders of metrics and cross_validation, as they are read."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
from huskies import outputs, receipt

_LABELS, _GROUPS = ["0", "0", "0", "1"], ["g", "g", "h", "i"]


def _interval(key: str, value: float) -> dict[str, float]:
    ends = {"low": value - 0.1, "high": value + 0.1}
    named = {f"{key}_{end}": each for end, each in ends.items()} if key == "val_accuracy" else ends
    return {key: value, **{end: round(each, 6) for end, each in named.items()}}


def write_settings(folder: Path, right: dict[str, str]) -> dict[str, Path]:
    """Write settings that are right (1) or wrong (0) about four images in each repeat; return the folders of a job."""
    inputs: dict[str, Path] = {}
    for name, answers in right.items():
        inputs |= _write(folder / name, name, answers.split())
    return inputs


def _write(folder: Path, name: str, repeats: list[str]) -> dict[str, Path]:
    metrics, of_folds = folder / "metrics", folder / "cross_validation"
    for each in (metrics, of_folds):
        each.mkdir(parents=True)
    augmented = "".join(repeats).count("1") / (4 * len(repeats))
    in_turn: dict[str, Any] = {"leaks": 0, "baseline": _interval("accuracy", 0.5)}
    in_turn |= {"augmented": _interval("accuracy", augmented), "gain": _interval("accuracy", augmented - 0.5)}
    (of_folds / outputs.CROSS_VALIDATION).write_text(json.dumps(in_turn))
    heads = {"baseline": _interval("val_accuracy", 0.25), "augmented": _interval("val_accuracy", 0.75)}
    gain = {"val_accuracy": 0.5, "low": 0.4, "high": 0.6}
    (metrics / outputs.METRICS).write_text(json.dumps({"leaks": 0, **heads, "gain": gain}))
    receipt.write(metrics, {"stage": "metrics", "of": name})
    rows = [
        {
            "file": f"{label}/train_{number}.jpg",
            "label": label,
            "group": _GROUPS[number],
            "repeat": repeat,
            "augmented": label if answer == "1" else "no",
        }
        for repeat, answers in enumerate(repeats)
        for number, (label, answer) in enumerate(zip(_LABELS, answers, strict=True))
    ]
    pd.DataFrame(rows).to_csv(of_folds / outputs.PREDICTIONS, index=False)
    # What the page has is not read.
    return {f"{name}/metrics": metrics, f"{name}/cross_validation": of_folds, f"{name}/report": folder}
