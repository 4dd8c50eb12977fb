"""A matplotlib figure in the style of the page, whatever the user's own is; svg.py puts it into a page.

As a PNG it stands by itself, black on white.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager

from matplotlib import style
from matplotlib.figure import Figure

# Stands for the page's own colour while matplotlib draws, which knows no currentColor.
INK = "#010203"
# Units of a figure's viewBox for each inch of matplotlib's.
UNITS = 72

# Dots for each inch of a PNG.
_DPI = 150
_STYLE = {
    "axes.edgecolor": INK,
    "axes.facecolor": "none",
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": "medium",
    "figure.facecolor": "none",
    "font.size": 12,
    "legend.frameon": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "huskies",
    "text.color": INK,
    # A `$` is a letter.
    "text.parse_math": False,
    "xtick.color": INK,
    "ytick.color": INK,
}


@contextmanager
def drawing(width: float, height: float) -> Iterator[Figure]:
    """Give an empty figure of so many units of its viewBox, in the style of the page."""
    with style.context(_STYLE, after_reset=True):
        yield Figure(figsize=(width / UNITS, height / UNITS), layout="constrained")


def to_png(figure: Figure) -> bytes:
    """Return the figure as PNG; within `drawing` alone. The bytes depend on what is drawn and on nothing else."""
    drawn = io.BytesIO()
    # Without the name of the library's version.
    figure.savefig(drawn, format="png", dpi=_DPI, facecolor="white", metadata={"Software": None})
    return drawn.getvalue()
