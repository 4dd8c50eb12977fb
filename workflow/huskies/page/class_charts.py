"""The report's figures of classes: confusions, recall and precision, and the map, as `<svg>` elements in text.

Tables may be as `manifest.read` gives them, all text. Class names are the user's.
"""

import math
from collections.abc import Collection, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from huskies.page import charts
from huskies.page.drawing import INK, drawing
from huskies.page.svg import Texts, to_svg

# Of letters, in units: smaller ones cannot be read on a phone.
_SMALLEST = 9


def confusion(counts: pd.DataFrame, labels: Sequence[str], alt: str) -> str:
    """Draw how many images of each class (row) were taken for which (column).

    counts: rows of confusion.csv, of one head. labels: all classes. A cell is as dark as its share of the row; numbers
    and names stand where there is room for them, and every cell has a tooltip.
    """
    texts = Texts()
    with drawing(charts.WIDTH, charts.WIDTH + 20) as figure:
        figure.set_layout_engine("compressed")
        axes = figure.subplots()
        _draw_matrix(axes, counts.assign(images=counts["images"].astype(int)), labels, texts)
        axes.set_title(counts["head"].iloc[0])
        return to_svg(figure, texts, alt)


def _draw_matrix(axes: Axes, counts: pd.DataFrame, labels: Sequence[str], texts: Texts) -> None:
    longest = min(12, max(map(len, labels)))
    side = (charts.WIDTH - 50 - 7 * longest) / len(labels)
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
        colour = charts.LOOKS[0 if right else 1][0]
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
    with drawing(charts.WIDTH, 110 + 22 * len(labels)) as figure:
        panels = figure.subplots(1, 2, sharey=True)
        for axes, measure in zip(panels, ("recall", "precision"), strict=True):
            values = rows.assign(value=100 * pd.to_numeric(rows[measure])).pivot(index="label", columns="head")["value"]
            values = values.reindex(labels)
            axes.hlines(range(len(labels)), values.min(axis=1), values.max(axis=1), color=INK, alpha=charts.FAINT)
            for head, (colour, marker), size in zip(("baseline", "augmented"), charts.LOOKS, (9, 5), strict=True):
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
    columns = int(charts.WIDTH / (50 + 6 * max(min(len(label), 16) for label in [*labels, "training"])))
    lines = math.ceil((len(labels) + 2) / columns)
    with drawing(charts.WIDTH, 380 + 15 * lines) as figure:
        axes = figure.subplots()
        handles = []
        for number, label in enumerate(labels):
            look = charts.look(number)
            for split, alpha in (("train", charts.FAINT), ("val", 1)):
                chosen = points[(points["label"] == label) & (points["split"] == split)]
                axes.plot(chosen["x"], chosen["y"], linestyle="", markersize=5, alpha=alpha, markeredgewidth=0, **look)
            handles.append(Line2D([], [], linestyle="", label=texts.shown(label, 16), **look))
        ringed = points[points["file"].isin(missed)]
        ring = {"linestyle": "", "marker": "o", "markersize": 11, "color": INK, "fillstyle": "none"}
        axes.plot(ringed["x"], ringed["y"], **ring)
        faint = {"linestyle": "", "marker": "o", "color": INK, "alpha": charts.FAINT, "markeredgewidth": 0}
        handles += [Line2D([], [], label="training", **faint), Line2D([], [], label="missed", **ring)]
        axes.set_xlabel(f"first component, {100 * explained[0]:.0f} % of the variance")
        axes.set_ylabel(f"second component, {100 * explained[1]:.0f} %")
        axes.set(xticks=[], yticks=[])
        figure.legend(handles=handles, loc="outside lower center", ncols=columns, fontsize="small")
        return to_svg(figure, texts, alt)
