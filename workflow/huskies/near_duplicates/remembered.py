"""Pairs that were compared before are not compared again: what came out is kept in the store, by content.

So the stage leaks repeats nothing of group's, and photos that are added later are all that is compared later.
"""

import functools
import hashlib
import json
from collections.abc import Iterator, Sequence

import numpy as np

from huskies import cache_file, imports
from huskies.backbone.store import Store, key
from huskies.near_duplicates import comparison

# A row of the store is of one image: with which others it was compared, by their sha256, and what came out.
_ROW = np.dtype([("other", "S64"), ("similarity", "<f8")])
# Pairs whose outcomes are kept together: a killed run goes on where it stopped.
_TOGETHER = 4096


def compare_all(
    files: Sequence[comparison.File], thumbs: np.ndarray, pairs: Sequence[tuple[int, int]], cores: int
) -> Iterator[float]:
    """Yield what `comparison.compare_all` does, from the store where it is known.

    The order of the two images of a pair matters there, and so it does here.
    """
    with Store(cache_file.database_folder()) as store:
        rows = _Rows(store, files, sorted({one for one, _ in pairs}))
        missing = [pair for pair in pairs if rows.get(pair) is None]
        compared = comparison.compare_all(files, thumbs, missing, cores)
        news = 0
        for pair in pairs:
            if (similarity := rows.get(pair)) is None:
                similarity = next(compared)
                rows.add(pair, similarity)
                news += 1
                if news % _TOGETHER == 0:
                    rows.keep()
            yield similarity
        rows.keep()


class _Rows:
    """What is known of some images: for each a dictionary from the sha256 of another image to the similarity."""

    def __init__(self, store: Store, files: Sequence[comparison.File], images: Sequence[int]):
        """Read the rows of these images, by their numbers in `files`, from the store."""
        self._store, self._sha256 = store, [sha256 for _, sha256 in files]
        self._keys = {one: key(self._sha256[one], _identity()) for one in images}
        image_of = {name: one for one, name in self._keys.items()}
        self._known: dict[int, dict[str, float]] = {one: {} for one in images}
        for name, stored in store.get(image_of):
            self._known[image_of[name]] = _unpacked(stored)
        self._news: set[int] = set()

    def get(self, pair: tuple[int, int]) -> float | None:
        return self._known[pair[0]].get(self._sha256[pair[1]])

    def add(self, pair: tuple[int, int], similarity: float) -> None:
        self._known[pair[0]][self._sha256[pair[1]]] = similarity
        self._news.add(pair[0])

    def keep(self) -> None:
        """Write the rows that have changed since the last time."""
        self._store.put((self._keys[one], _packed(self._known[one])) for one in sorted(self._news))
        self._news.clear()


def _packed(outcomes: dict[str, float]) -> np.ndarray:
    """Return outcomes as what the store takes, float32; the bits are those of a row, whatever they mean as numbers."""
    return np.array(list(outcomes.items()), _ROW).view(np.float32)


def _unpacked(stored: np.ndarray) -> dict[str, float]:
    outcomes = stored.view(_ROW)
    return dict(zip(outcomes["other"].astype(str).tolist(), outcomes["similarity"].tolist(), strict=True))


@functools.cache
def _identity() -> str:
    """Return a digest of all that the outcome depends on besides the two images."""
    package, root = imports.Package(), "near_duplicates.comparison"
    described = {"code": package.code(root), "libraries": imports.versions(package.libraries(root))}
    return hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()
