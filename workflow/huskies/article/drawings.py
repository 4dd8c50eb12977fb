"""The figures of the article's page, as `<svg>` elements in text, and the picture of the sweep, as PNG."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D

from huskies.page.charts import (
    FAINT,
    LOOKS,
    WIDTH,
    Interval,
    draw_curve,
    draw_intervals,
    height_of_intervals,
    legend,
    look,
    smooth,
)
from huskies.page.drawing import INK, drawing, to_png
from huskies.page.svg import Texts, to_svg


def smoothed(accuracies: np.ndarray) -> np.ndarray:
    """Return a curve of accuracies as charts.smooth does, and never above 1, where a parabola may overshoot."""
    return np.clip(smooth(np.asarray(accuracies, float)), 0, 1)


def curves(histories: Mapping[str, Sequence[pd.DataFrame]], alt: str, reported: float | None = None) -> str:
    """Draw accuracy by step, raw (faint) and smoothed; validation solid, training dashed.

    histories: history.csv of each seed, by the name of the head, of which there are one or two. Of the first seed all
    is drawn, of the others smoothed validation alone. reported: the article's best smoothed accuracy, as a line.
    """
    with drawing(WIDTH, 380) as figure:
        axes = figure.subplots()
        handles = []
        for (head, seeds), (colour, marker) in zip(histories.items(), LOOKS, strict=False):
            for history in seeds[1:]:
                values = 100 * smoothed(history["val_accuracy"])
                axes.plot(history["step"], values, color=colour, alpha=FAINT, linewidth=1.5)
            for split, name, line in (("val", "validation", "-"), ("train", "training", "--")):
                values = seeds[0][f"{split}_accuracy"]
                draw_curve(axes, seeds[0]["step"], 100 * values, 100 * smoothed(values), line, (colour, marker))
                look = {"color": colour, "linestyle": line, "marker": marker, "markersize": 4}
                handles.append(Line2D([], [], label=f"{head}, {name}", **look))
        handles.append(Line2D([], [], color=INK, alpha=FAINT, linewidth=1, label="not smoothed"))
        if max(map(len, histories.values())) > 1:
            handles.append(Line2D([], [], color=INK, alpha=FAINT, linewidth=1.5, label="validation, other seeds"))
        if reported is not None:
            handles.append(axes.axhline(100 * reported, color=INK, linestyle=":", label="the article's best"))
        axes.set(title="accuracy, %", xlabel="step")
        legend(figure, handles)
        return to_svg(figure, Texts(), alt)


def intervals(groups: Mapping[str, Mapping[str, Interval]], title: str, alt: str, words: str = "") -> str:
    """Draw values with their intervals, one below the other, in a look for each series.

    groups: what stands at the left, such as a backbone, and for each (value, low, high) by the name of the series, of
    which there are two in all at most. Fractions, drawn as per cent or points. words: how the three are written above.
    """
    texts = Texts()
    series = {name: texts.shown(name, 30) for group in groups.values() for name in group}
    shown = {
        texts.shown(label, 22): {series[name]: value for name, value in group.items()}
        for label, group in groups.items()
    }
    with drawing(WIDTH, height_of_intervals(shown, words)) as figure:
        _, handles = draw_intervals(figure, shown, title, words)
        legend(figure, handles)
        return to_svg(figure, texts, alt)


def tuning(found: Mapping[str, Any], alt: str) -> str:
    """Draw each policy's accuracy on test images over that on validation images, the best ringed, and the chance band.

    found: tuning.json. The band is where the best of so many on validation lies by chance alone.
    """
    policies = pd.DataFrame(found["policies"])
    with drawing(WIDTH, 400) as figure:
        axes = figure.subplots()
        band = (100 * found["chance_low"], 100 * found["chance_high"])
        axes.axvspan(*band, color=LOOKS[0][0], alpha=0.2, linewidth=0, label="chance band of the best")
        each = {"linestyle": "", "color": LOOKS[1][0], "marker": LOOKS[1][1], "markersize": 6}
        axes.plot(100 * policies["val_accuracy"], 100 * policies["test_accuracy"], label="a policy", **each)
        ring = {"linestyle": "", "marker": "o", "markersize": 13, "color": INK, "fillstyle": "none"}
        axes.plot(100 * found["best_val"], 100 * found["best_test"], label="best on validation", **ring)
        low, high = (f(*axes.get_xlim(), *axes.get_ylim()) for f in (min, max))
        axes.plot([low, high], [low, high], ":", color=INK, label="as good on both")
        axes.set(xlabel="on validation images, %", ylabel="on test images, %", title="accuracy of each policy")
        figure.legend(loc="outside lower center", ncols=2, fontsize="small")
        return to_svg(figure, Texts(), alt)


def sweep(
    panels: Mapping[str, tuple[pd.DataFrame, str]], mean: Callable[[pd.DataFrame], Interval], policies: Sequence[str]
) -> bytes:
    """Draw the gain of each policy by what each panel varies, and the mean of them all with its interval, as PNG.

    panels: (runs, what the axis says) by the column that varies. mean: of runs, with both ends of its interval.
    """
    with drawing(2 * WIDTH, 360) as figure:
        both = figure.subplots(1, 2, sharey=True)
        for axes, (column, (runs, label)) in zip(both, panels.items(), strict=True):
            values = sorted(runs[column].unique())
            for number, policy in enumerate(policies):
                gains = 100 * runs[runs["policy"] == policy].groupby(column)["gain"].mean()
                places = [values.index(value) for value in gains.index]
                axes.plot(places, gains, markersize=5, label=policy, **look(number))
            copied = runs[runs["factor"] > 0]
            middle, low, high = 100 * np.array([mean(copied[copied[column] == value]) for value in values]).T
            spread = [middle - low, high - middle]
            axes.errorbar(range(len(values)), middle, spread, color=INK, linewidth=2, capsize=5, label="mean")
            axes.axhline(0, color=INK, linestyle=":")
            axes.set_xticks(range(len(values)), map(str, values))
            axes.set_xlabel(label)
        both[0].set_title("gain in validation accuracy, points")
        figure.legend(*both[1].get_legend_handles_labels(), loc="outside right center", fontsize="small")
        return to_png(figure)
