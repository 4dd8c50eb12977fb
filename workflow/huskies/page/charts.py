"""What figures are drawn of: curves and intervals, and the report's figures of both heads, as `<svg>` elements in text.

Tables may be as `manifest.read` gives them, all text. Heads differ in colour (Okabe and Ito's, which the colour-blind
tell apart, with a contrast of 3 and more to white and to black) and in their marker as well.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from scipy.signal import savgol_filter

from huskies.page.drawing import INK, drawing
from huskies.page.svg import Texts, to_svg
from huskies.statistics import verdicts

# A value, and both ends of its interval.
Interval = tuple[float, float, float]

# The colour and the marker of each head, in the order baseline, augmented.
LOOKS = (("#0072b2", "o"), ("#d55e00", "s"))
WIDTH = 420
FAINT = 0.35
# Of many things, with the same contrast. 9 and 11 have no common divisor, so that 99 of them differ.
COLOURS = ("#0072b2", "#d55e00", "#008f68", "#b5529c", "#8a7a00", "#6b6bd6", "#c2403a", "#0b8599", "#a06020")
_MARKERS = "osD^v<>Ph*p"


def look(number: int) -> dict[str, str]:
    """Return the colour and the marker of one of many, by its number from 0."""
    return {"color": COLOURS[number % len(COLOURS)], "marker": _MARKERS[number % len(_MARKERS)]}


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
        legend(figure, handles)
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


def comparison(heads: Mapping[str, Interval], gain: Interval, measure: str, leaks: int, alt: str) -> str:
    """Draw the accuracy of both heads and the gain, each with its 95 % interval, as fractions; measure: its name.

    Where images leaked, the figure says so itself, since it is also looked at without the page.
    """
    with drawing(WIDTH, 230) as figure:
        if leaks:
            figure.suptitle("false: held-out images leaked", fontsize="medium")
        above, below = figure.subplots(2, height_ratios=(2, 1))
        for place, (interval, look) in enumerate(zip(heads.values(), LOOKS, strict=True)):
            draw_interval(above, -place, interval, "{:.1f} % ({:.1f} to {:.1f})", *look)
        above.set_yticks([0, -1], list(heads))
        above.set_title(f"{measure}, %")
        draw_interval(below, 0, gain, "{:+.1f} ({:+.1f} to {:+.1f})", INK, "D")
        below.axvline(0, ymax=0.6, color=INK, linestyle=":")
        below.set_yticks([0], ["gain"])
        below.set_title("difference, points")
        for axes in (above, below):
            axes.margins(0.05, 0.6)
            axes.tick_params(axis="y", length=0)
            axes.spines["left"].set_visible(False)
        return to_svg(figure, Texts(), alt)


def draw_interval(axes: Axes, place: int, value_low_high: Interval, words: str, colour: str, marker: str) -> None:
    """Draw fractions as points or per cent: a value and its interval at a height, and above it the words with them."""
    value, low, high = (100 * each for each in value_low_high)
    axes.errorbar(value, place, xerr=[[value - low], [high - value]], fmt=marker, color=colour, capsize=5, markersize=8)
    shown = words.format(*(verdicts.in_points(each) for each in value_low_high))
    axes.annotate(shown, ((low + high) / 2, place), (0, 9), textcoords="offset points", ha="center")


def draw_intervals(
    figure: Figure, groups: Mapping[str, Mapping[str, Interval]], title: str, words: str
) -> tuple[Axes, list[Line2D]]:
    """Draw values with their intervals, one below the other at 0, -1, …, in a look for each series.

    groups, words: as `intervals` takes them. Returns the axes, and the handles of the legend.
    """
    names = list(dict.fromkeys(series for group in groups.values() for series in group))
    looks = dict(zip(names, LOOKS, strict=False))
    axes = figure.subplots()
    place, ticks = 0.0, []
    for group in groups.values():
        ticks.append(place - (len(group) - 1) / 2)
        for series, value in group.items():
            draw_interval(axes, place, value, words, *looks[series])
            place -= 1
    axes.set_yticks(ticks, list(groups))
    axes.set(title=title, ylim=(place + 0.4, 0.8))
    axes.margins(x=0.1)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color=INK, alpha=0.15)
    return axes, [
        Line2D([], [], linestyle="", color=colour, marker=marker, label=name)
        for name, (colour, marker) in looks.items()
    ]


def height_of_intervals(groups: Mapping[str, Mapping[str, Interval]], words: str) -> int:
    """Return how high a figure of `draw_intervals` is, in units."""
    return 90 + (38 if words else 22) * sum(map(len, groups.values()))


def legend(figure: Figure, handles: Sequence[Artist]) -> None:
    """Put a legend of two columns below a figure."""
    figure.legend(handles=handles, loc="outside lower center", ncols=2, fontsize="small")
