"""experiments: the settings of experiments.csv side by side, out of fold and on their validation images."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from huskies.experiments import setting_numbers, setting_table
from huskies.experiments.setting_table import Setting
from huskies.job import Job
from huskies.statistics import verdicts

SETTINGS, TABLE = "experiments.csv", "table.md"
_OF_SPLIT = ("validation images, with copies", "their gain")


def frame(settings: Sequence[Setting], rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return a row for each setting: name, its cells, and its numbers, from the best to the worst."""
    cells = {each.name: each.cells for each in settings}
    columns = list(dict.fromkeys(column for each in settings for column in each.cells))
    chosen = [{column: cells[row["name"]].get(column, "") for column in columns} for row in rows]
    return pd.DataFrame([{"name": row["name"], **cell, **row} for row, cell in zip(rows, chosen, strict=True)])


def table(rows: Sequence[Mapping[str, Any]], right: np.ndarray) -> str:
    """Return all there is to say, as Markdown. rows, right: as setting_numbers has them."""
    repeats, images = right.shape[1:]
    times = "once" if repeats == 1 else f"{repeats} times"
    lines = [
        f"{images} images, each held out in turn ({times}), and beside them the validation images alone, with 95 % "
        "intervals.",
        "",
        _line("setting", "without copies", "with copies", "gain", "behind the best", *_OF_SPLIT, "experiment"),
        _line(*["---"] * 8),
    ]
    for row in rows:
        best = row is rows[0]
        lines.append(
            _line(
                row["name"],
                _share(row, "baseline"),
                _share(row, "augmented"),
                _points(row, "gain"),
                "" if best else _points(row, "behind"),
                _share(row, "val_augmented"),
                _points(row, "val_gain"),
                row["experiment"],
            )
        )
    return "\n".join([*lines, "", *setting_numbers.sentences(rows, right)]) + "\n"


def _share(row: Mapping[str, Any], key: str) -> str:
    return f"{row[key]:.1%} ({row[f'{key}_low']:.1%} to {row[f'{key}_high']:.1%})"


def _points(row: Mapping[str, Any], key: str) -> str:
    mean, low, high = (verdicts.in_points(row[each]) for each in (key, f"{key}_low", f"{key}_high"))
    return f"{mean:+.1f} ({low:+.1f} to {high:+.1f})"


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def run(job: Job) -> str:
    """Fill job.output with experiments.csv and table.md; return the table."""
    settings = setting_table.read()
    numbers, right, groups = setting_numbers.read([each.name for each in settings], job.inputs)
    rows = setting_numbers.compare(numbers, right, groups)
    frame(settings, rows).to_csv(job.output / SETTINGS, index=False, lineterminator="\n")
    text = table(rows, right)
    (job.output / TABLE).write_text(text, encoding="utf-8")
    return f"\n{text.rstrip()}"
