"""What random splits of the same images say together: mean, spread, and intervals that know that splits overlap."""

import numpy as np

from huskies.statistics import intervals


def spread(values: np.ndarray, held_out: float) -> dict[str, float | None]:
    """Return mean, standard_deviation, low, high and p_value (against 0) of one value a split.

    values, held_out: as for intervals.resampled_mean. What one split, or splits that all agree, cannot tell is None.
    """
    found = intervals.resampled_mean(values, held_out) or (None, None, None)
    deviation = values.std(ddof=1) if len(values) > 1 else None
    numbers = [float(values.mean()), deviation, *found]
    names = ("mean", "standard_deviation", "low", "high", "p_value")
    return {name: each if each is None else round(float(each), 6) for name, each in zip(names, numbers, strict=True)}


def accuracy(values: np.ndarray, held_out: float) -> dict[str, float | None]:
    """Return the spread of accuracies, whose interval cannot leave 0 to 1, and which nobody tests against 0."""
    found = spread(values, held_out)
    del found["p_value"]
    if found["low"] is not None:
        found |= {"low": max(found["low"], 0.0), "high": min(found["high"], 1.0)}
    return found
