"""The learning curve as a power law: errors fall as a + b / photos^c, towards what no number of photos takes away.

That is the form which most learning curves have been found to follow (Viering and Loog 2023, IEEE Transactions on
Pattern Analysis and Machine Intelligence 45: 7799-7819), and by which Figueroa et al. (2012, BMC Medical Informatics
and Decision Making 12: 8) foretell what more labels bring.
"""

import numpy as np

# The powers that are tried. Below, a curve of few points is as good as straight; above, it has long been at its end.
_POWERS = np.linspace(0.05, 2, 40)


def predict(errors: np.ndarray, photos: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return the errors at other numbers of photos, float, draws × wanted, by the curve that fits each draw best.

    errors: float, draws × points. photos: float, of each point. wanted: float, numbers of photos. Least squares, for
    each power by themselves, with neither a nor b below 0: errors never rise, and never fall below 0.
    """
    least = np.full(len(errors), np.inf)
    found = np.empty((len(errors), len(wanted)))
    for power in _POWERS:
        falling = photos**-power
        floor, slope = _line(errors, falling)
        missed = ((errors - floor[:, None] - slope[:, None] * falling) ** 2).sum(axis=1)
        better = missed < least
        least[better] = missed[better]
        found[better] = (floor[:, None] + slope[:, None] * wanted**-power)[better]
    return found


def _line(errors: np.ndarray, falling: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (a, b) of the line through the errors of each draw, neither below 0."""
    apart = falling - falling.mean()
    mean = errors.mean(axis=1)
    slope = np.maximum(((errors - mean[:, None]) * apart).sum(axis=1) / (apart**2).sum(), 0)
    floor = mean - slope * falling.mean()
    through_zero = (errors * falling).sum(axis=1) / (falling**2).sum()
    return np.maximum(floor, 0), np.where(floor < 0, through_zero, slope)
