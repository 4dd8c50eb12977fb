"""Which images might be near-duplicates: for each, its nearest by a network's features and by its coarsest pixels.

Perceptual hashes miss most flips, crops and turns. The two ways here miss different ones, and whether a pair of
neighbours is a near-duplicate is decided elsewhere.
"""

import itertools
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np

from huskies.backbone.features import Rows
from huskies.near_duplicates import alignment, comparison, unit_vectors

# Neighbours of an image by each of the two ways; benchmarks/near_duplicates.md has what they find.
NEAREST = 8

_CHUNK = 256
# Rows whose products with all others one thread makes and looks through, and columns that it makes at a time, which
# stay in the processor's cache.
_ROWS, _BLOCK = 64, 1024
# Rows of many sources that are held, and compared with all that is looked for, at once.
_TOGETHER = 1 << 14
_CELLS = 8  # pixels a side of the coarsest view
_WINDOW = 0.9  # side of the crops that are tried, at nine places


def pairs_within(nearest: np.ndarray) -> set[tuple[int, int]]:
    """Return the pairs (smaller row, larger row) of rows and their nearest, N × k."""
    return {(min(row, int(other)), max(row, int(other))) for row in range(len(nearest)) for other in nearest[row]}


def nearest_by_features(features: np.ndarray, count: int = NEAREST, cores: int = 1) -> np.ndarray:
    """Return the rows of the `count` nearest others of each row, N × count (fewer if there are fewer rows)."""
    vectors = unit_vectors.comparable(features)

    def products(start: int) -> np.ndarray:
        return _without_own(vectors[start : start + _ROWS] @ vectors.T, start)

    return _largest(products, len(vectors), min(count, len(vectors) - 1), cores)


def nearest_by_pixels(thumbnails: np.ndarray, count: int = NEAREST, cores: int = 1) -> np.ndarray:
    """Return the rows of the `count` nearest others of each thumbnail, N × count (fewer if there are fewer).

    An image is as near to another as the closest of its 8 turns, whole or cropped, is to the other as a whole.
    """
    vectors = _coarse_vectors(thumbnails)

    def products(start: int) -> np.ndarray:
        return _without_own(_pixel_products(thumbnails[start : start + _ROWS], vectors), start)

    return _largest(products, len(thumbnails), min(count, len(thumbnails) - 1), cores)


def nearest_across(thumbnails: np.ndarray, others: np.ndarray, count: int = NEAREST, cores: int = 1) -> np.ndarray:
    """Return the rows of the `count` nearest of `others`, in the same sense, for each of `thumbnails`, N × count."""
    vectors = _coarse_vectors(others)

    def products(start: int) -> np.ndarray:
        return _pixel_products(thumbnails[start : start + _ROWS], vectors)

    return _largest(products, len(thumbnails), min(count, len(others)), cores)


def nearest_sources(
    held_out: np.ndarray | Rows,
    trained: np.ndarray | Rows,
    sources: np.ndarray,
    count: int = NEAREST,
    cores: int = 1,
    groups: tuple[np.ndarray, np.ndarray] | None = None,
) -> np.ndarray:
    """Return the `count` different sources (fewer if there are fewer) of the nearest rows of `trained`, nearest first.

    held_out, trained: float32 features, one row or more each. sources: int, the source of each row of `trained`. The
    result has a row for each of `held_out`. Of equally near sources, the smallest comes first. groups: int, of each row
    of held_out and of each source; sources of a row's own group come after all others.
    """
    scale = unit_vectors.moments([held_out, trained])
    looked_for = unit_vectors.directions(held_out, *scale)
    order = np.argsort(sources, kind="stable")
    names, starts = np.unique(sources[order], return_index=True)
    count, edges = min(count, len(names)), [*starts, len(order)]
    best, best_names = np.full((len(held_out), count), -np.inf, np.float32), np.zeros((len(held_out), count), int)

    def look(start: int) -> None:
        chunk = slice(start, start + _CHUNK)
        of_sources = np.maximum.reduceat(looked_for[chunk] @ rows.T, starts[first:beyond] - begin, axis=1)
        if groups is not None:
            own = groups[0][chunk, None] == groups[1][names[first:beyond]]
            of_sources[own] = -np.finfo(np.float32).max
        values = np.concatenate([best[chunk], of_sources], axis=1)
        known = np.broadcast_to(names[first:beyond], of_sources.shape)
        known = np.concatenate([best_names[chunk], known], axis=1)
        nearest = descending(values, count)
        best[chunk] = np.take_along_axis(values, nearest, axis=1)
        best_names[chunk] = np.take_along_axis(known, nearest, axis=1)

    with ThreadPoolExecutor(cores) as pool:
        for first, beyond in _blocks(starts, len(order)):
            begin = edges[first]
            rows = unit_vectors.directions(trained, *scale, order[begin : edges[beyond]])
            deque(pool.map(look, range(0, len(held_out), _CHUNK)), maxlen=0)
    return best_names


def _blocks(starts: np.ndarray, size: int) -> Iterator[tuple[int, int]]:
    """Yield the numbers of the first source, and of the one beyond the last, of blocks of about _TOGETHER rows.

    starts: the first row of each source, of `size` rows in all.
    """
    firsts = np.unique(np.searchsorted(starts, range(0, size, _TOGETHER)))
    yield from itertools.pairwise([*firsts[firsts < len(starts)].tolist(), len(starts)])


def descending(values: np.ndarray, count: int) -> np.ndarray:
    """Return the columns of the `count` largest values of each row, the largest first, the leftmost of equal ones."""
    if count >= values.shape[1]:
        return np.argsort(-values, axis=1, kind="stable")
    least = np.partition(values, -count, axis=1)[:, -count]
    candidates = [np.flatnonzero(row >= bound) for row, bound in zip(values, least, strict=True)]
    return np.array(
        [each[np.argsort(-row[each], kind="stable")[:count]] for row, each in zip(values, candidates, strict=True)]
    )


def _largest(products: Callable[[int], np.ndarray], size: int, count: int, cores: int) -> np.ndarray:
    """Return the columns of the `count` largest values of each of `size` rows, N × count, on `cores` threads.

    products: makes the values of _ROWS rows, fewer at the end, from the one with this number on.
    """
    if count < 1:
        return np.zeros((size, 0), np.int64)

    def largest(start: int) -> np.ndarray:
        # A copy, since a view of a few columns would keep all of them in memory.
        return np.argpartition(-products(start), count - 1, axis=1)[:, :count].copy()

    with ThreadPoolExecutor(cores) as pool:
        return np.concatenate([np.zeros((0, count), np.int64), *pool.map(largest, range(0, size, _ROWS))])


def _without_own(products: np.ndarray, start: int) -> np.ndarray:
    """Return rows of a square matrix, from the one with this number on, with the least value on its diagonal."""
    np.fill_diagonal(products[:, start:], -np.inf)
    return products


def _coarse_vectors(thumbnails: np.ndarray) -> np.ndarray:
    return unit_vectors.whole(_centred([_coarse(alignment.grey(each)) for each in thumbnails]))


def _pixel_products(thumbnails: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Return the best product of any view of each of a few thumbnails with each of many vectors."""
    views = [unit_vectors.whole(_centred(each)) for each in _views([alignment.grey(each) for each in thumbnails])]
    best = np.full((len(thumbnails), len(vectors)), -np.inf, np.float32)
    for first in range(0, len(vectors), _BLOCK):
        block = best[:, first : first + _BLOCK]
        products = np.empty(block.shape, np.float32)
        for each in views:
            np.matmul(each, vectors[first : first + _BLOCK].T, out=products)
            np.maximum(block, products, out=block)
    return best


def _coarse(grey: np.ndarray) -> np.ndarray:
    return cv2.resize(grey, (_CELLS, _CELLS), interpolation=cv2.INTER_AREA)


def _views(greys: list[np.ndarray]) -> Iterator[np.ndarray]:
    """Yield the coarsest view of all the images, N × _CELLS × _CELLS, for each way to crop and turn them."""
    side = round(comparison.SIDE * _WINDOW)
    rest = comparison.SIDE - side
    places = itertools.product((0, rest // 2, rest), repeat=2)
    windows = [(0, 0, comparison.SIDE), *((top, left, side) for top, left in places)]
    for top, left, size in windows:
        views = np.stack([_coarse(grey[top : top + size, left : left + size]) for grey in greys])
        for turn in range(alignment.TURNS):
            mirrored = views[:, :, ::-1] if turn >= alignment.TURNS // 2 else views
            yield np.rot90(mirrored, turn % 4, axes=(1, 2))


def _centred(views: np.ndarray) -> np.ndarray:
    flat = np.asarray(views).reshape(len(views), -1)
    return flat - flat.mean(axis=1, keepdims=True)
