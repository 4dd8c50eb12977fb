"""What more photos would bring, from heads that were trained on parts of those there are, asked out of fold."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from huskies.statistics import clustered, power_law, verdicts

# Photos of a class, in the mean, below which parts of them are too few to say anything.
FEWEST = 8
# How far the gain of an actual set of new photos lies from that of the mean one, as a share of the interval of the
# accuracy, for as many photos again. Chosen by the table of docs/budget.md.
_BY_CHANCE = 0.5
_DRAWS = 1000
_TAILS = (0.025, 0.975)

Interval = tuple[float, float, float]


@dataclass(frozen=True)
class Curve:
    """What one head said at each point of a learning curve.

    right: bool, points × repeats × images, whether it was right about an image out of its fold. photos: float, of each
    point, the mean number of photos a class that were trained on, ascending. groups: int, of each image. now: the mean
    number of photos a class that there are, from which a head for use is trained.
    """

    right: np.ndarray
    photos: np.ndarray
    groups: np.ndarray
    now: float

    def accuracies(self) -> list[Interval]:
        """Return (accuracy, low, high) at each point."""
        return [clustered.accuracy(each, self.groups) for each in self.right]

    def rise(self, first: int = 0) -> Interval:
        """Return (gain in accuracy, low, high) from a point to the last one, paired over images."""
        return clustered.gain(self.right[first], self.right[-1], self.groups)


def why_not(curve: Curve) -> str:
    """Return why nothing can be foretold from a curve, as what follows a "because", or "" if something can."""
    if curve.now < FEWEST:
        return f"{curve.now:.3g} photos a class are too few to leave some out; it takes {FEWEST}"
    gain, low, high = curve.rise()
    if verdicts.in_points(low) <= 0:
        few, many = curve.photos[[0, -1]]
        return (
            f"from {few:.3g} to {many:.3g} photos a class the accuracy changed by {verdicts.in_points(gain):+.1f} "
            f"points ({verdicts.in_points(low):+.1f} to {verdicts.in_points(high):+.1f}), which may be chance"
        )
    return ""


def forecast(curve: Curve, more: float) -> Interval:
    """Return (gain in accuracy, low, high) that so many more photos a class bring, at most as many as there are.

    The gain is that of the power law through the points. The interval joins two parts. One is how far the law is known:
    it is fitted anew to groups drawn anew. The other is what the new photos happen to be, and which were there: the
    gain of one set of photos lies about the mean gain, the further the more is added. docs/budget.md counts how often
    such intervals held what the photos brought.
    """
    before, after = errors(curve, [curve.now, curve.now + more]).T
    gains = before - after
    gain, (low, high) = gains[0], np.quantile(gains[1:], _TAILS)
    _, least, most = clustered.accuracy(curve.right[-1], curve.groups)
    by_chance = _BY_CHANCE * (most - least) / 2 * (2 * more / (curve.now + more)) ** 0.5
    # A mean of draws may lie beyond either end of theirs.
    below, above = (np.hypot(max(each, 0.0), by_chance) for each in (gain - low, high - gain))
    return float(gain), float(gain - below), float(gain + above)


def errors(curve: Curve, photos: Sequence[float]) -> np.ndarray:
    """Return the errors of the power law at numbers of photos a class: of the curve, and of draws of its groups."""
    known = np.concatenate([means(curve), drawn(curve)])
    return power_law.predict(1 - known, curve.photos, np.asarray(photos, float))


def means(curve: Curve) -> np.ndarray:
    """Return the accuracy at each point, float, 1 × points."""
    return curve.right.mean(axis=(1, 2))[None]


def drawn(curve: Curve) -> np.ndarray:
    """Return the accuracies at each point of sets whose groups are drawn anew, float, draws × points."""
    members = np.unique(curve.groups, return_inverse=True)[1]
    # Whole numbers, so that the sums are the same in whichever order a processor adds them.
    counts = np.stack([np.bincount(members, each) for each in curve.right.sum(axis=1)])
    sizes = np.bincount(members) * curve.right.shape[1]
    times = np.random.default_rng(0).multinomial(len(sizes), np.full(len(sizes), 1 / len(sizes)), _DRAWS)
    return (times @ counts.T) / (times @ sizes)[:, None]
