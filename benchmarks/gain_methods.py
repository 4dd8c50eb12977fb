"""Ways to put an interval around the gain of augmentation, from what one small set can tell."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from huskies.statistics import clustered, intervals
from scipy import stats

FOLDS, REPEATS, SPLITS = 5, (1, 2, 5), 20
DRAWS = 1000
NORMAL = float(stats.norm.ppf((1 + intervals.LEVEL) / 2))

Interval = tuple[float, float, float]


@dataclass(frozen=True)
class Asked:
    """What heads said of one set; gains are in accuracy.

    right: bool, 2 × repeats × photos, without and with copies, each photo out of its fold. folds: int, repeats ×
    photos. groups: int, of each photo. splits: float, the gain of each of SPLITS random splits, which hold out as much
    as a fold does. nested: float, repeats × folds × photos, the gains of photos out of their own and of another fold,
    and NaN where they are one.
    """

    right: np.ndarray
    folds: np.ndarray
    groups: np.ndarray
    splits: np.ndarray
    nested: np.ndarray

    def gains(self, repeats: int) -> np.ndarray:
        """Return the gain of each photo in each of the first repeats, float, repeats × photos."""
        before, after = self.right[:, :repeats].astype(float)
        return after - before


def single_split(asked: Asked) -> Interval:
    """Return Newcombe's interval on one fold, as metrics.json has it of the validation images."""
    before, after = asked.right[:, 0, asked.folds[0] == 0]
    return intervals.paired_gain(before, after)


def many_splits(asked: Asked) -> Interval:
    """Return Nadeau and Bengio's interval on random splits, each with heads of its own."""
    return _resampled(asked.splits)


def over_folds(repeats: int) -> Callable[[Asked], Interval]:
    """Return the method that takes each fold for a split."""

    def method(asked: Asked) -> Interval:
        pairs = zip(asked.gains(repeats), asked.folds, strict=False)
        return _resampled(np.array([gains[folds == fold].mean() for gains, folds in pairs for fold in range(FOLDS)]))

    return method


def _resampled(values: np.ndarray) -> Interval:
    """Return Nadeau and Bengio's interval; NaN for its ends where it knows of no spread."""
    low, high, _ = intervals.resampled_mean(values, 1 / (FOLDS - 1)) or (np.nan, np.nan, None)
    return float(values.mean()), low, high


def nested(asked: Asked) -> Interval:
    """Return the interval of nested cross-validation, without its correction for heads of fewer photos.

    The mean squared error of the estimate, and the bounds to it, are those of Bates et al. 2021.
    """
    repeats = len(asked.nested)
    gains = asked.gains(repeats)
    errors = []
    for own, folds, others in zip(gains, asked.folds, asked.nested, strict=False):
        for fold, other in enumerate(others):
            out = own[folds == fold]
            errors.append((np.nanmean(other) - out.mean()) ** 2 - out.var() / max(len(out) - 1, 1))
    naive = float(gains.std(axis=1, ddof=1).mean()) / gains.shape[1] ** 0.5
    error = (max(float(np.mean(errors)), 0.0) * (FOLDS - 1) / FOLDS) ** 0.5
    return _about(float(gains.mean()), min(max(error, naive), naive * FOLDS**0.5) * NORMAL)


def bootstrap(repeats: int) -> Callable[[Asked], Interval]:
    """Return the method that draws groups anew, by percentiles."""

    def method(asked: Asked) -> Interval:
        gains = asked.gains(repeats).mean(axis=0)
        together, sizes = np.bincount(asked.groups, gains), np.bincount(asked.groups)
        drawn = np.random.default_rng(0).integers(0, len(sizes), (DRAWS, len(sizes)))
        low, high = np.quantile(together[drawn].sum(axis=1) / sizes[drawn].sum(axis=1), [0.025, 0.975])
        return float(gains.mean()), float(low), float(high)

    return method


def as_published(repeats: int) -> Callable[[Asked], Interval]:
    """Return the method of Bayle et al. 2020: photos one by one, by the normal distribution."""

    def method(asked: Asked) -> Interval:
        gains = asked.gains(repeats).mean(axis=0)
        return _about(float(gains.mean()), float(gains.std()) / len(gains) ** 0.5 * NORMAL)

    return method


def chosen(repeats: int) -> Callable[[Asked], Interval]:
    """Return the method of the stage cross_validation."""
    return lambda asked: clustered.gain(*asked.right[:, :repeats], asked.groups)


def _about(centre: float, reach: float) -> Interval:
    return centre, centre - reach, centre + reach


CHOSEN = {repeats: f"`cross_validation`, repeats {repeats}" for repeats in REPEATS}
SINGLE, MANY = "one split, Newcombe", f"{SPLITS} splits, Nadeau and Bengio"
METHODS: dict[str, Callable[[Asked], Interval]] = {
    SINGLE: single_split,
    MANY: many_splits,
    **{f"folds as splits, Nadeau and Bengio, repeats {each}": over_folds(each) for each in REPEATS},
    "nested cross-validation, Bates et al., repeats 2": nested,
    "cluster bootstrap, repeats 2": bootstrap(2),
    **{f"as Bayle et al. have it, repeats {each}": as_published(each) for each in REPEATS},
    **{CHOSEN[each]: chosen(each) for each in REPEATS},
}
