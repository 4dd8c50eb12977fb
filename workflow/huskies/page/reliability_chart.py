"""The reliability diagram as an `<svg>` element: how often photos are right, by how sure the answer is."""

from collections.abc import Mapping, Sequence
from typing import Any

from huskies.page import charts
from huskies.page.drawing import INK, drawing
from huskies.page.svg import Texts, to_svg

CAPTION = (
    "Share of right answers by how sure they are, before and after the temperature; where both are equal, on the line. "
    "Each point is of the photos of one bin, and the larger, the more there are."
)


def draw(bins: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """Draw the bins of final.json, by the words for them."""
    with drawing(charts.WIDTH, 320) as figure:
        axes = figure.subplots()
        axes.plot([0, 100], [0, 100], color=INK, linestyle=":", alpha=charts.FAINT)
        for (name, found), (colour, marker) in zip(bins.items(), charts.LOOKS, strict=False):
            filled = [each for each in found if each["photos"]]
            most = max(each["photos"] for each in filled)
            sure, right = ([100 * each[key] for each in filled] for key in ("sure", "right"))
            axes.plot(sure, right, color=colour, alpha=charts.FAINT)
            sizes = [20 + 120 * each["photos"] / most for each in filled]
            axes.scatter(sure, right, s=sizes, color=colour, marker=marker, label=name)
        axes.set(xlabel="sure, %", xlim=(0, 104), ylim=(-4, 104))
        axes.set_title("right, %")
        charts.legend(figure, axes.get_legend_handles_labels()[0])
        return to_svg(figure, Texts(), CAPTION)
