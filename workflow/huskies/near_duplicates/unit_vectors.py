"""Vectors whose products are whole numbers, so that what is nearest is the same however many threads add them up."""

from collections.abc import Iterator, Sequence

import numpy as np

from huskies.backbone.features import Rows

# Unit vectors are rounded to integers of this scale. Then every partial sum of a product is an integer below 2^24,
# which float32 holds exactly, and neighbours are the same however many threads add them up.
_SCALE = 4000
# Rows that are gone through at once.
_CHUNK = 256


def comparable(features: np.ndarray) -> np.ndarray:
    """Return the `directions` of features, N × D float32, by their own mean and spread."""
    return directions(features, *moments([features]))


def moments(parts: Sequence[np.ndarray | Rows]) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean and the spread of each dimension over the rows of all parts, float64; 1 where there is none."""
    size = sum(map(len, parts))
    mean = sum(chunk.sum(axis=0, dtype=np.float64) for chunk in _chunks(parts)) / size
    spread = np.sqrt(sum(((chunk - mean) ** 2).sum(axis=0) for chunk in _chunks(parts)) / size)
    return mean, np.where(spread > 0, spread, 1)


def _chunks(parts: Sequence[np.ndarray | Rows]) -> Iterator[np.ndarray]:
    return (part[start : start + _CHUNK] for part in parts for start in range(0, len(part), _CHUNK))


def directions(
    features: np.ndarray | Rows, mean: np.ndarray, spread: np.ndarray, order: np.ndarray | None = None
) -> np.ndarray:
    """Return features with mean 0 and spread 1, so that no dimension outweighs the others, as `whole` has them.

    order: the rows to return, all of them if absent. Beside the result, only a few rows are held.
    """
    order = np.arange(len(features)) if order is None else order
    result = np.empty((len(order), features.shape[1]), np.float32)
    for start in range(0, len(order), _CHUNK):
        result[start : start + _CHUNK] = whole((features[order[start : start + _CHUNK]] - mean) / spread)
    return result


def whole(vectors: np.ndarray) -> np.ndarray:
    """Return the vectors' directions as float32 integers, of length _SCALE; zero stays zero."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.rint(vectors / np.where(lengths > 0, lengths, 1) * _SCALE).astype(np.float32)
