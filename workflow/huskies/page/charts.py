"""The figures of the report: each takes tables that stages have written, and returns an `<svg>` element as text.

Tables may be as `manifest.read` gives them, all text. Heads differ in colour (Okabe and Ito's, which the colour-blind
tell apart, with a contrast of 3 and more to white and to black) and in their marker as well.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from scipy.signal import savgol_filter

from huskies.page.svg import INK, Texts, drawing, to_svg
from huskies.statistics import verdicts

# The colour and the marker of each head, in the order baseline, augmented.
LOOKS = (("#0072b2", "o"), ("#d55e00", "s"))
WIDTH = 420
FAINT = 0.35
# Of letters, in units: smaller ones cannot be read on a phone.
_SMALLEST = 9
# Of classes in the map, with the same contrast. 9 and 11 have no common divisor, so that 99 classes differ.
_COLOURS = ("#0072b2", "#d55e00", "#008f68", "#b5529c", "#8a7a00", "#6b6bd6", "#c2403a", "#0b8599", "#a06020")
_MARKERS = "osD^v<>Ph*p"


def smooth(values: np.ndarray) -> np.ndarray:
    """Return a curve smoothed by the Savitzky-Golay filter (1964): parabolas through a moving window of its points.

    The window is an odd number of points, about a tenth of them, and at least 5; a shorter curve is returned as it is.
    """
    window = max(5, len(values) // 10 | 1)
    return savgol_filter(values, window, 2) if len(values) >= window else values


def learning_curves(histories: Mapping[str, pd.DataFrame], kept: Mapping[str, int], alt: str) -> str:
    """Draw accuracy and cross-entropy by step, raw (faint) and smoothed; validation solid, training dashed.

    histories: history.csv of each head, by its name. kept: the step at which each head was kept, which is marked.
    """
    with drawing(WIDTH, 560) as figure:
        panels = figure.subplots(2, sharex=True)
        for axes, measure in zip(panels, ("accuracy", "cross_entropy"), strict=True):
            for (head, history), look in zip(histories.items(), LOOKS, strict=True):
                _draw_curves(axes, history.astype(float), measure, kept[head], look)
        panels[0].set_title("accuracy, %")
        panels[1].set_title("cross-entropy, nats")
        panels[1].set_ylim(bottom=0)
        panels[1].set_xlabel("step")
        handles = [
            Line2D([], [], color=colour, marker=marker, linestyle=style, label=f"{head}, {split}")
            for head, (colour, marker) in zip(histories, LOOKS, strict=True)
            for style, split in (("-", "validation"), ("--", "training"))
        ]
        handles.append(Line2D([], [], color=INK, alpha=FAINT, linewidth=1, label="not smoothed"))
        handles.append(Line2D([], [], color=INK, linestyle=":", label="the step that was kept"))
        figure.legend(handles=handles, loc="outside lower center", ncols=2, fontsize="small")
        return to_svg(figure, Texts(), alt)


def draw_curve(
    axes: Axes, steps: pd.Series, values: np.ndarray, smoothed: np.ndarray, line: str, look: tuple[str, str]
) -> None:
    """Draw a curve as it is, faint, and smoothed, with markers; look: colour and marker, as of LOOKS."""
    colour, marker = look
    axes.plot(steps, values, line, color=colour, alpha=FAINT, linewidth=1)
    spaced = max(1, len(values) // 8)
    axes.plot(steps, smoothed, line, color=colour, marker=marker, markersize=4, markevery=spaced)


def _draw_curves(axes: Axes, history: pd.DataFrame, measure: str, kept: int, look: tuple[str, str]) -> None:
    colour, marker = look
    scale, most = (100, 1) if measure == "accuracy" else (1, np.inf)
    for split, line in (("train", "--"), ("val", "-")):
        values = history[f"{split}_{measure}"].to_numpy()
        smoothed = np.clip(smooth(values), 0, most)
        draw_curve(axes, history["step"], scale * values, scale * smoothed, line, look)
    axes.axvline(kept, color=colour, linestyle=":")
    axes.plot(kept, scale * history.set_index("step").loc[kept, f"val_{measure}"], marker, color=colour, markersize=9)


def comparison(metrics: Mapping[str, Any], alt: str) -> str:
    """Draw the validation accuracy of both heads and the gain, each with its 95 % interval; metrics: metrics.json.

    Where images leaked, the figure says so itself, since it is also looked at without the page.
    """
    with drawing(WIDTH, 230) as figure:
        if metrics["leaks"]:
            figure.suptitle("false: held-out images leaked", fontsize="medium")
        above, below = figure.subplots(2, height_ratios=(2, 1))
        for place, (name, look) in enumerate(zip(("baseline", "augmented"), LOOKS, strict=True)):
            head = metrics[name]
            low, high = head["val_accuracy_low"], head["val_accuracy_high"]
            draw_interval(above, -place, (head["val_accuracy"], low, high), "{:.1f} % ({:.1f} to {:.1f})", *look)
        above.set_yticks([0, -1], ["baseline", "augmented"])
        above.set_title("validation accuracy, %")
        gain = metrics["gain"]
        draw_interval(
            below, 0, (gain["val_accuracy"], gain["low"], gain["high"]), "{:+.1f} ({:+.1f} to {:+.1f})", INK, "D"
        )
        below.axvline(0, ymax=0.6, color=INK, linestyle=":")
        below.set_yticks([0], ["gain"])
        below.set_title("difference, points")
        for axes in (above, below):
            axes.margins(0.05, 0.6)
            axes.tick_params(axis="y", length=0)
            axes.spines["left"].set_visible(False)
        return to_svg(figure, Texts(), alt)


def draw_interval(
    axes: Axes, place: int, value_low_high: tuple[float, float, float], words: str, colour: str, marker: str
) -> None:
    """Draw fractions as points or per cent: a value and its interval at a height, and above it the words with them."""
    value, low, high = (100 * each for each in value_low_high)
    axes.errorbar(value, place, xerr=[[value - low], [high - value]], fmt=marker, color=colour, capsize=5, markersize=8)
    shown = words.format(*(verdicts.in_points(each) for each in value_low_high))
    axes.annotate(shown, ((low + high) / 2, place), (0, 9), textcoords="offset points", ha="center")


def confusion(counts: pd.DataFrame, labels: Sequence[str], alt: str) -> str:
    """Draw how many images of each class (row) were taken for which (column).

    counts: rows of confusion.csv, of one head. labels: all classes. A cell is as dark as its share of the row; numbers
    and names stand where there is room for them, and every cell has a tooltip.
    """
    texts = Texts()
    with drawing(WIDTH, WIDTH + 20) as figure:
        figure.set_layout_engine("compressed")
        axes = figure.subplots()
        _draw_matrix(axes, counts.assign(images=counts["images"].astype(int)), labels, texts)
        axes.set_title(counts["head"].iloc[0])
        return to_svg(figure, texts, alt)


def _draw_matrix(axes: Axes, counts: pd.DataFrame, labels: Sequence[str], texts: Texts) -> None:
    longest = min(12, max(map(len, labels)))
    side = (WIDTH - 50 - 7 * longest) / len(labels)
    _draw_cells(axes, counts, labels, texts, size=min(12.0, (side - 2) / (0.65 * len(str(counts["images"].max())))))
    axes.set(xlim=(0, len(labels)), ylim=(len(labels), 0), aspect="equal", xlabel="predicted", ylabel="actual")
    named = range(0, len(labels), math.ceil(11 / side))
    short = [texts.shown(labels[number], longest) for number in named]
    axes.set_yticks([number + 0.5 for number in named], short)
    upright = {"rotation": 90, "rotation_mode": "anchor", "horizontalalignment": "right", "verticalalignment": "center"}
    axes.set_xticks([number + 0.5 for number in named], short, **(upright if 7 * longest > side else {}))
    axes.tick_params(length=2, labelsize=min(12, max(_SMALLEST, 0.8 * side)))


def _draw_cells(axes: Axes, counts: pd.DataFrame, labels: Sequence[str], texts: Texts, size: float) -> None:
    place = {label: number for number, label in enumerate(labels)}
    totals = counts.groupby("actual")["images"].sum()
    for row in counts.itertuples():
        across, down, total = place[row.predicted], place[row.actual], totals[row.actual]
        right = row.actual == row.predicted
        colour = LOOKS[0 if right else 1][0]
        # Never so dark that the number could not be read, in a light page or a dark one.
        alpha = 0.2 + 0.35 * row.images / total
        taken = "recognised" if right else f"taken for {row.predicted}"
        tooltip = texts.tooltip(f"{row.actual}: {row.images} of {total} {taken}")
        axes.add_patch(Rectangle((across, down), 1, 1, facecolor=colour, alpha=alpha, edgecolor="none", gid=tooltip))
        if size >= _SMALLEST:
            centre = {"horizontalalignment": "center", "verticalalignment": "center"}
            axes.text(across + 0.5, down + 0.5, str(row.images), fontsize=size, **centre)


def per_class(rows: pd.DataFrame, alt: str) -> str:
    """Draw recall and precision of each class for both heads, joined by a line; rows: per_class.csv."""
    texts = Texts()
    labels = sorted(rows["label"].unique())
    with drawing(WIDTH, 110 + 22 * len(labels)) as figure:
        panels = figure.subplots(1, 2, sharey=True)
        for axes, measure in zip(panels, ("recall", "precision"), strict=True):
            values = rows.assign(value=100 * pd.to_numeric(rows[measure])).pivot(index="label", columns="head")["value"]
            values = values.reindex(labels)
            axes.hlines(range(len(labels)), values.min(axis=1), values.max(axis=1), color=INK, alpha=FAINT)
            for head, (colour, marker), size in zip(("baseline", "augmented"), LOOKS, (9, 5), strict=True):
                axes.plot(values[head], range(len(labels)), marker, color=colour, markersize=size, label=head)
            axes.set_title(f"{measure}, %")
            axes.set_xlim(-4, 104)
            axes.grid(axis="x", color=INK, alpha=0.15)
        panels[0].set_yticks(range(len(labels)), [texts.shown(label, 16) for label in labels])
        panels[0].set_ylim(len(labels) - 0.5, -0.5)
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
        return to_svg(figure, texts, alt)


def bottleneck_map(points: pd.DataFrame, explained: tuple[float, float], missed: Collection[str], alt: str) -> str:
    """Draw the map of the bottlenecks: a colour and a marker for each class, training images faint, misses ringed.

    points, explained: what `missed.project` returns. missed: files of validation images to be ringed.
    """
    texts = Texts()
    labels = sorted(points["label"].unique())
    columns = int(WIDTH / (50 + 6 * max(min(len(label), 16) for label in [*labels, "training"])))
    lines = math.ceil((len(labels) + 2) / columns)
    with drawing(WIDTH, 380 + 15 * lines) as figure:
        axes = figure.subplots()
        handles = []
        for number, label in enumerate(labels):
            look = {"color": _COLOURS[number % len(_COLOURS)], "marker": _MARKERS[number % len(_MARKERS)]}
            for split, alpha in (("train", FAINT), ("val", 1)):
                chosen = points[(points["label"] == label) & (points["split"] == split)]
                axes.plot(chosen["x"], chosen["y"], linestyle="", markersize=5, alpha=alpha, markeredgewidth=0, **look)
            handles.append(Line2D([], [], linestyle="", label=texts.shown(label, 16), **look))
        ringed = points[points["file"].isin(missed)]
        ring = {"linestyle": "", "marker": "o", "markersize": 11, "color": INK, "fillstyle": "none"}
        axes.plot(ringed["x"], ringed["y"], **ring)
        faint = {"linestyle": "", "marker": "o", "color": INK, "alpha": FAINT, "markeredgewidth": 0}
        handles += [Line2D([], [], label="training", **faint), Line2D([], [], label="missed", **ring)]
        axes.set_xlabel(f"first component, {100 * explained[0]:.0f} % of the variance")
        axes.set_ylabel(f"second component, {100 * explained[1]:.0f} %")
        axes.set(xticks=[], yticks=[])
        figure.legend(handles=handles, loc="outside lower center", ncols=columns, fontsize="small")
        return to_svg(figure, texts, alt)
