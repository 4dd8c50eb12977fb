"""leakage: the leak, demonstrated. What augmenting before splitting would have reported, beside the honest numbers.

On noise every point above chance is leak. On the user's own data, every point above the honest run is.
"""

import json
from pathlib import Path

import pandas as pd

from huskies import outputs
from huskies.job import Job

TABLE = "table.txt"
PICTURE = "leakage.png"

# Name of the data, and which flows ran on it. The leaky flow has all its copies in its raw images, so that its
# baseline head is the one to look at.
_DATA = {"your data": ("honest", "leaky"), "noise": ("noise_honest", "noise_leaky")}


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


def draw(rows: pd.DataFrame, chance: float, path: Path) -> None:
    """Write a picture of the accuracies with their intervals, side by side, as PNG."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 3.6), layout="constrained")
    colours = {"honest": "#1b6ca8", "leaky": "#c8452d"}
    for offset, run in ((-0.2, "honest"), (0.2, "leaky")):
        chosen = rows[rows["run"] == run]
        high = 100 * chosen["val_accuracy"]
        spread = [high - 100 * chosen["val_accuracy_low"], 100 * chosen["val_accuracy_high"] - high]
        places = [number + offset for number in range(len(chosen))]
        axes.bar(places, high, 0.38, yerr=spread, capsize=4, color=colours[run], label=_LEGEND[run])
        for place, value in zip(places, high, strict=True):
            axes.text(place, 3, f"{value:.1f} %", ha="center", color="white")
    axes.hlines(100 * chance, 0.6, 1.4, colors="black", linestyles="dashed", label="guessing")
    axes.set_xticks(range(len(_DATA)), list(_DATA))
    axes.set_ylim(0, 105)
    axes.set_ylabel("validation accuracy, %")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=3, frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    # Without the name of the library's version, the bytes follow from the numbers alone.
    figure.savefig(path, dpi=150, metadata={"Software": None})
    pyplot.close(figure)


_LEGEND = {"honest": "split first, then augmented", "leaky": "augmented first, then split"}


def run(job: Job) -> str:
    """Fill job.output with leakage.csv, table.txt and leakage.png; return the table."""
    names = [name for pair in _DATA.values() for name in pair]
    metrics = {name: json.loads((job.inputs[name] / outputs.METRICS).read_text()) for name in names}
    rows = gather(metrics)
    chance = 1 / job.params["noise"]["classes"]
    rows.to_csv(job.output / "leakage.csv", index=False, lineterminator="\n")
    text = table(rows, chance)
    (job.output / TABLE).write_text(text, encoding="utf-8")
    draw(rows, chance, job.output / PICTURE)
    return f"\n{text.rstrip()}"
