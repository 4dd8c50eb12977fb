"""The figures of the stage article: each takes what the rows have found, and returns an `<svg>` element as text."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D

from huskies.page.charts import FAINT, LOOKS, WIDTH, draw_curve, draw_interval, smooth
from huskies.page.svg import INK, Texts, drawing, to_svg

Interval = tuple[float, float, float]


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
        figure.legend(handles=handles, loc="outside lower center", ncols=2, fontsize="small")
        return to_svg(figure, Texts(), alt)


def intervals(groups: Mapping[str, Mapping[str, Interval]], title: str, alt: str, words: str = "") -> str:
    """Draw values with their intervals, one below the other, in a look for each series.

    groups: what stands at the left, such as a backbone, and for each (value, low, high) by the name of the series, of
    which there are two in all at most. Fractions, drawn as per cent or points. words: how the three are written above.
    """
    texts = Texts()
    names = list(dict.fromkeys(series for group in groups.values() for series in group))
    looks = dict(zip(names, LOOKS, strict=False))
    lines = sum(map(len, groups.values()))
    with drawing(WIDTH, 90 + (38 if words else 22) * lines) as figure:
        axes = figure.subplots()
        place, ticks = 0.0, []
        for group in groups.values():
            ticks.append(place - (len(group) - 1) / 2)
            for series, value in group.items():
                draw_interval(axes, place, value, words, *looks[series])
                place -= 1
        axes.set_yticks(ticks, [texts.shown(label, 22) for label in groups])
        axes.set(title=title, ylim=(place + 0.4, 0.8))
        axes.margins(x=0.1)
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="x", color=INK, alpha=0.15)
        handles = [
            Line2D([], [], linestyle="", color=colour, marker=marker, label=texts.shown(name, 30))
            for name, (colour, marker) in looks.items()
        ]
        figure.legend(handles=handles, loc="outside lower center", ncols=2, fontsize="small")
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
