"""What a row of the stage article consists of: numbers, tables and figures, and the words that hold numbers of ours."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from huskies import outputs, receipt
from huskies.statistics import intervals, verdicts


@dataclass(frozen=True)
class Number:
    """A number of ours, beside the article's where that has one.

    ours, low, high, article: in the unit of `kind`, one of render.KINDS: fractions for "percent" and "points".
    leading: whether it stands in the overview.
    """

    what: str
    ours: float
    kind: str = "percent"
    low: float | None = None
    high: float | None = None
    article: float | None = None
    note: str = ""
    leading: bool = False


@dataclass(frozen=True)
class Table:
    """A table below the numbers. A cell is text, which may be a user's, or (value, kind of render.KINDS)."""

    caption: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str | tuple[float, str]]]


@dataclass(frozen=True)
class Found:
    """What a row has found.

    facts: texts for the row's paragraph, by name. figures: (caption, `<svg>`). picture: (PNG, what it shows), or none.
    """

    numbers: Sequence[Number]
    facts: Mapping[str, str] = field(default_factory=dict)
    figures: Sequence[tuple[str, str]] = ()
    tables: Sequence[Table] = ()
    picture: tuple[bytes, str] | None = None


def of_images(what: str, accuracy: float, images: int, **more: Any) -> Number:
    """Return an accuracy on so many images, with its Wilson interval."""
    low, high = intervals.wilson(round(accuracy * images), images)
    return Number(what, accuracy, "percent", low, high, **more)


def percent(fraction: float) -> str:
    """Return a fraction as it stands in a sentence: "81.5 %"."""
    return f"{verdicts.in_points(fraction):.1f}\N{NO-BREAK SPACE}%"


def span(values: Sequence[float], written=str) -> str:
    """Return "42", or "34 to 47" where values differ, each written as `written` does."""
    ends = [written(value) for value in (min(values), max(values))]
    return " to ".join(dict.fromkeys(ends))


def read(path: Path) -> dict[str, Any]:
    """Return the content of a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def history(folder: Path) -> pd.DataFrame:
    """Return the history.csv of a training."""
    return pd.read_csv(folder / outputs.HISTORY).astype(float)


def labels(folder: Path) -> list[str]:
    """Return the classes that a training knows."""
    return (folder / "labels.txt").read_text(encoding="utf-8").splitlines()


def parameters(folder: Path) -> dict[str, Any]:
    """Return the section `train` that a training was given, from its receipt."""
    return receipt.read(folder)["plan"]["params"]["train"]


def margin(accuracy: float, images: int) -> float:
    """Return half the width of the Wilson interval of an accuracy on so many images."""
    low, high = intervals.wilson(round(accuracy * images), images)
    return float(np.round((high - low) / 2, 6))
