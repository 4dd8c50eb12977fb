"""leakage: the leak, demonstrated. What augmenting before splitting would have reported, beside the honest numbers.

On noise every point above chance is leak. On the user's own data, every point above the honest run is.
"""

import json

import pandas as pd

from huskies import outputs
from huskies.job import Job
from huskies.page import charts
from huskies.page.drawing import INK, drawing, to_png

TABLE = "table.txt"
PICTURE = "leakage.png"

# Name of the data, and which flows ran on it. The leaky flow has all its copies in its raw images, so that its
# baseline head is the one to look at.
_DATA = {"your data": ("honest", "leaky"), "noise": ("noise_honest", "noise_leaky")}
_LEGEND = {"honest": "split first, then augmented", "leaky": "augmented first, then split"}
_WORDS = "{:.1f} % ({:.1f} to {:.1f})"


def gather(metrics: dict[str, dict]) -> pd.DataFrame:
    """Return one row for each flow: data, run, training images, accuracy with interval, validation images, leaks."""
    rows = []
    for data, (honest, leaky) in _DATA.items():
        for run, name, head in (("honest", honest, "augmented"), ("leaky", leaky, "baseline")):
            numbers = metrics[name][head]
            chosen = ("images", "val_accuracy", "val_accuracy_low", "val_accuracy_high", "val_images")
            leaks = metrics[name]["leaks"]
            rows.append({"data": data, "run": run, **{key: numbers[key] for key in chosen}, "leaks": leaks})
    return pd.DataFrame(rows)


def table(rows: pd.DataFrame, chance: float) -> str:
    """Return the comparison as text; chance is the accuracy of guessing on the noise."""
    lines = [f"{'':24}{'training images':>16}{'validation':>12}{'95 % interval':>20}{'leaks found':>13}"]
    for row in rows.itertuples():
        interval = f"{row.val_accuracy_low:.1%} to {row.val_accuracy_high:.1%}"
        lines.append(
            f"{f'{row.data}, {row.run}':24}{row.images:>16}{row.val_accuracy:>12.1%}{interval:>20}{row.leaks:>13}"
        )
    honest, leaky, noise_honest, noise_leaky = rows["val_accuracy"]
    return "\n".join(
        [
            *lines,
            f"Augmenting before splitting would have told you {leaky:.1%} instead of {honest:.1%}.",
            f"On noise, where {chance:.1%} can be had by guessing, it tells {noise_leaky:.1%}; the honest run tells "
            f"{noise_honest:.1%}.",
            "",
        ]
    )


def draw(rows: pd.DataFrame, chance: float) -> bytes:
    """Return a picture of the accuracies with their intervals, one below the other, as PNG."""
    measures = ["val_accuracy", "val_accuracy_low", "val_accuracy_high"]
    groups = {
        data: {_LEGEND[run]: tuple(of_run[measures].iloc[0]) for run, of_run in of_data.groupby("run", sort=False)}
        for data, of_data in rows.groupby("data", sort=False)
    }
    with drawing(charts.WIDTH, charts.height_of_intervals(groups, _WORDS)) as figure:
        axes, handles = charts.draw_intervals(figure, groups, "validation accuracy, %", _WORDS)
        # Beside the noise alone, which is below the user's data, and short of the words above its honest run.
        handles.append(axes.vlines(100 * chance, -3.4, -2, color=INK, linestyle=":", label="guessing"))
        axes.set_xlim(0, 110)
        charts.legend(figure, handles)
        return to_png(figure)


def run(job: Job) -> str:
    """Fill job.output with leakage.csv, table.txt and leakage.png; return the table."""
    names = [name for pair in _DATA.values() for name in pair]
    metrics = {name: json.loads((job.inputs[name] / outputs.METRICS).read_text()) for name in names}
    rows = gather(metrics)
    chance = 1 / job.params["noise"]["classes"]
    rows.to_csv(job.output / "leakage.csv", index=False, lineterminator="\n")
    text = table(rows, chance)
    (job.output / TABLE).write_text(text, encoding="utf-8")
    (job.output / PICTURE).write_bytes(draw(rows, chance))
    return f"\n{text.rstrip()}"
