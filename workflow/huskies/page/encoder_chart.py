"""The contest of encoders as an `<svg>` element: each one's accuracy with its interval, the best first."""

from collections.abc import Mapping
from typing import Any

from huskies.page import charts
from huskies.page.drawing import INK, drawing
from huskies.page.svg import Texts, to_svg

CAPTION = (
    "Accuracy of each encoder on the same folds, with 95 % intervals. Filled: cannot be told from the best. Hollow: "
    "behind it. Intervals of two that overlap may still be told apart, since they were asked the same images."
)
_ROW = 22


def draw(numbers: Mapping[str, Any]) -> str:
    """Draw the entrants of encoders.json; their names are numbers in the order of the table."""
    rows = numbers["entrants"]
    with drawing(charts.WIDTH, 70 + _ROW * len(rows)) as figure:
        axes = figure.subplots()
        colour = charts.LOOKS[0][0]
        for place, row in enumerate(rows):
            value, low, high = (100 * row[key] for key in ("accuracy", "low", "high"))
            filled = colour if row["level_with_best"] else "none"
            look = {"color": colour, "marker": "o", "markersize": 6, "markerfacecolor": filled, "capsize": 3}
            axes.errorbar([value], [place], xerr=[[max(0.0, value - low)], [max(0.0, high - value)]], **look)
        axes.set_yticks(range(len(rows)), [str(place + 1) for place in range(len(rows))])
        axes.invert_yaxis()
        axes.grid(axis="x", color=INK, alpha=0.15)
        axes.set(xlabel="accuracy, %")
        return to_svg(figure, Texts(), CAPTION)
