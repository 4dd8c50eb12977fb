"""The trained photos that look most like a new one, by the angle between their bottlenecks."""

import numpy as np

from huskies.backbone.features import Rows, chunks


def directions(features: Rows | np.ndarray) -> np.ndarray:
    """Return bottlenecks, float32 N × D, at length 1, float16: half a digit of a distance is all that this costs."""
    return np.concatenate([_unit(each) for each in chunks(features)]).astype(np.float16)


def _unit(features: np.ndarray) -> np.ndarray:
    return features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), np.finfo(np.float32).tiny)


class Neighbours:
    """Known photos, of which the nearest are looked up."""

    def __init__(self, known: np.ndarray):
        """Take what `directions` returns of the photos that are known."""
        self._known = known.astype(np.float32)

    def among_themselves(self) -> np.ndarray:
        """Return the distance of each known photo to the nearest other one, float64; no number where there is none."""
        found = np.full(len(self._known), np.nan)
        for row, direction in enumerate(self._known):
            far = np.delete(np.maximum(1 - self._known @ direction, 0), row)
            found[row] = far.min() if len(far) else np.nan
        return found

    def nearest(self, features: np.ndarray, count: int = 1) -> tuple[np.ndarray, np.ndarray]:
        """Return (numbers of the nearest known photos, their distances), both N × count, the nearest first.

        features: float32, N × D. A distance is 1 less the cosine: 0 for the same direction, 1 for a right angle.
        """
        count = min(count, len(self._known))
        numbers, distances = np.empty((len(features), count), int), np.empty((len(features), count))
        for row, direction in enumerate(_unit(features)):
            # What is equal may come out a little closer by rounding.
            far = np.maximum(1 - self._known @ direction, 0)
            numbers[row] = np.argsort(far, kind="stable")[:count]
            distances[row] = far[numbers[row]]
        return numbers, distances
