"""sweep: policies, copies and training images side by side, with intervals, and with how far luck would lead."""

import numpy as np
import pandas as pd

from huskies.article import drawings, sweep_runs
from huskies.job import Job
from huskies.statistics import intervals, optimism, verdicts

RUNS, CELLS, TABLE, PICTURE = "runs.csv", "sweep.csv", "table.md", "sweep.png"


def grid(runs: pd.DataFrame, columns: str, ratio: float) -> list[str]:
    """Return lines of Markdown: the gain of each policy for each value of `columns`, and means over both.

    The policy with the largest mean comes first. The last line leaves out what has no
    copies. ratio: as sweep_runs.held_out has it.
    """
    values = sorted(runs[columns].unique())
    policies = runs.groupby("policy")["gain"].mean().sort_values(ascending=False, kind="stable").index
    rows_of = {policy: runs[runs["policy"] == policy] for policy in policies} | {"mean": runs[runs["factor"] > 0]}
    lines = [_line("", *map(str, values), "mean"), _line("---", *["---:"] * (len(values) + 1))]
    for name, rows in rows_of.items():
        by_value = [rows[rows[columns] == value] for value in values]
        lines.append(_line(name, *(in_words(sweep_runs.mean_gain(each, ratio)) for each in [*by_value, rows])))
    return lines


def in_words(gain: tuple[float, float, float]) -> str:
    """Return a gain as one writes it: "+1.2 (-0.3 to +2.7)", in points."""
    mean, low, high = (verdicts.in_points(each) for each in gain)
    return f"{mean:+.1f}" if np.isnan(low) else f"{mean:+.1f} ({low:+.1f} to {high:+.1f})"


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def luck(answers: pd.DataFrame) -> str:
    """Return a sentence on how far the best setting leads, and how far chance alone would let it.

    answers: of settings that were tried on the same splits.
    """
    counts = answers.pivot_table(index=["policy", "factor"], columns="file", values="right", aggfunc="sum")
    right = counts.to_numpy(int)
    asked = len(answers) / len(counts)
    totals = right.sum(axis=1) / asked
    policy, factor = counts.index[totals.argmax()]
    chance = optimism.chance_leads(right) * right.shape[1] / asked
    limit = np.quantile(chance, intervals.LEVEL, method="inverted_cdf")
    lead = totals.max() - totals.mean()
    by, expected, most = (verdicts.in_points(each) for each in (lead, chance.mean(), limit))
    # A lead that is as large as the limit may come out a little larger, being another sum of floats.
    said = "is within luck" if lead <= limit + 1e-9 else "is more than luck"
    return (
        f"The best of {len(counts)} settings, {policy} at factor {factor}, is right in {totals.max():.1%}, and all "
        f"in the mean in {totals.mean():.1%}: it leads by {by:.1f} points. Chance alone would let the best lead by "
        f"{expected:.1f} points, and in 95 % of cases by at most {most:.1f}, so that its lead {said}."
    )


def table(runs: pd.DataFrame, answers: pd.DataFrame, backbone: str) -> str:
    """Return all there is to say, as Markdown. backbone: its name. runs, answers: as sweep_runs.read returns them."""
    ratio, most, curve = sweep_runs.held_out(runs), runs["train_per_class"].max(), sweep_runs.by_images(runs)
    without = runs[runs["policy"] == sweep_runs.NONE].groupby("train_per_class")["val_accuracy"].mean()
    accuracies = ", ".join(f"{accuracy:.1%} with {size}" for size, accuracy in without.items())
    lines = [
        f"{backbone}, validation accuracy without copies: {accuracies} training images of each class, in the mean of "
        f"{runs['split'].nunique()} splits with {runs['val_images'].mean():.0f} validation images each.",
        "Below are gains over that, in points, with 95 % intervals for the mean over splits.",
        "",
        f"By copies of each image, with {most} training images of each class:",
        "",
        *grid(sweep_runs.by_copies(runs), "factor", ratio),
        "",
        f"By training images of each class, with {curve['factor'].max()} copies of each, and mixup with none:",
        "",
        *grid(curve, "train_per_class", ratio),
        "",
        widths(sweep_runs.cells(runs[runs["policy"] != sweep_runs.NONE])),
        luck(answers[answers["train_per_class"] == most]),
    ]
    return "\n".join(lines) + "\n"


def widths(compared: pd.DataFrame) -> str:
    """Return a sentence on how wide the intervals are, and how many exclude 0. compared: of sweep_runs.cells."""
    known = compared.dropna(subset=["low", "high"])
    half = verdicts.in_points(((known["high"] - known["low"]) / 2).median())
    found = known.apply(lambda cell: verdicts.verdict(cell["low"], cell["high"]), axis=1)
    above, below = (found == verdicts.HELPED).sum(), (found == verdicts.HURT).sum()
    return (
        f"An interval of one cell is ± {half:.1f} points in the median. Of {len(compared)} cells, {above} have one "
        f"above 0, and {below} one below; luck would make about {len(known) * (1 - intervals.LEVEL) / 2:.0f} of each."
    )


def draw(runs: pd.DataFrame) -> bytes:
    """Return a picture of the gains by copies, and by training images, as PNG; the mean has its interval."""
    curve, ratio = sweep_runs.by_images(runs), sweep_runs.held_out(runs)
    panels = {
        "factor": (sweep_runs.by_copies(runs), "copies of each training image"),
        "train_per_class": (curve, f"training images of each class, {curve['factor'].max()} copies of each"),
    }
    policies = sorted(set(runs["policy"]) - {sweep_runs.NONE})
    return drawings.sweep(panels, lambda chosen: sweep_runs.mean_gain(chosen, ratio), policies)


def run(job: Job) -> str:
    """Fill job.output with runs.csv, sweep.csv, table.md and sweep.png; return the table."""
    runs, answers = sweep_runs.read(job.inputs)
    runs.round(6).to_csv(job.output / RUNS, index=False, lineterminator="\n")
    sweep_runs.cells(runs).to_csv(job.output / CELLS, index=False, lineterminator="\n")
    text = table(runs, answers, job.params["backbone"]["name"])
    (job.output / TABLE).write_text(text, encoding="utf-8")
    (job.output / PICTURE).write_bytes(draw(runs))
    return f"\n{text.rstrip()}"
