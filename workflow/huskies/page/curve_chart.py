"""The learning curve as an `<svg>` element: what was asked, and what more photos are expected to bring."""

from collections.abc import Mapping
from typing import Any

from huskies.page import charts
from huskies.page.drawing import INK, drawing
from huskies.page.svg import Texts, to_svg

CAPTION = (
    "Accuracy by the number of photos a class, with 95 % intervals. Filled: asked out of fold. Hollow: what the curve "
    "foretells for more photos, from those that there are."
)
# Of the photos at the right end, how far the two heads are drawn apart.
_APART = 0.006


def draw(numbers: Mapping[str, Any]) -> str:
    """Draw the points of budget.json and its forecast, for each head in its own look."""
    with drawing(charts.WIDTH, 300) as figure:
        axes = figure.subplots()
        now = numbers["photos_a_class"]
        most = max([now + row["photos"] for each in numbers["forecast"].values() for row in each["more"]], default=now)
        for number, (head, (colour, marker)) in enumerate(zip(numbers["forecast"], charts.LOOKS, strict=False)):
            aside = most * _APART * (2 * number - 1)
            look = {"color": colour, "marker": marker, "markersize": 6, "capsize": 3}
            asked = [(point["photos"] + aside, point[head], "accuracy", 0.0) for point in numbers["points"]]
            _draw(axes, asked, {**look, "linestyle": "-", "label": head})
            told = numbers["forecast"][head]
            ahead = [(now + row["photos"] + aside, row, "gain", told["now"]) for row in told["more"]]
            _draw(axes, ahead, {**look, "linestyle": ":", "markerfacecolor": "none"})
        axes.axvline(now, color=INK, linestyle=":", alpha=charts.FAINT)
        axes.set(xlabel="photos a class", xlim=(0, None))
        axes.set_title("accuracy, %")
        axes.grid(axis="y", color=INK, alpha=0.15)
        charts.legend(figure, axes.get_legend_handles_labels()[0])
        return to_svg(figure, Texts(), CAPTION)


def _draw(axes: Any, points: list[tuple[float, Mapping[str, float], str, float]], look: Mapping[str, Any]) -> None:
    """Draw points of (photos, value with its interval, its name, what it is added to) as one line."""
    if not points:
        return
    at = [photos for photos, *_ in points]
    values = [100 * (found[name] + base) for _, found, name, base in points]
    ends = [[abs(found[name] - found[end]) * 100 for _, found, name, _ in points] for end in ("low", "high")]
    axes.errorbar(at, values, yerr=ends, **look)
