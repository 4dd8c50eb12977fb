"""Rows of several arrays as one array, read when they are asked for: the arrays may be files larger than memory."""

from collections.abc import Iterator, Sequence

import numpy as np

# Bytes that `chunks` reads at once.
_TOGETHER = 64 << 20


class Rows:
    """Chosen rows of memory-mapped arrays, in an order of their own. Indexing gives float32 arrays in memory."""

    def __init__(self, parts: Sequence[np.ndarray], chosen: np.ndarray):
        """Take the rows numbered `chosen` of the parts laid end to end; each is float32, N × D, with one D for all.

        A part without rows may have any D, as bottlenecks of no images have none; not all are without.
        """
        self._parts = parts = [part for part in parts if len(part)]
        self._chosen = chosen
        self._ends = np.cumsum([len(part) for part in parts])
        self.shape = (len(chosen), parts[0].shape[1])

    def __len__(self) -> int:
        return len(self._chosen)

    def __getitem__(self, which: slice | np.ndarray) -> np.ndarray:
        """Return the rows of a slice, or of an array of row numbers of any shape, as numpy's indexing would."""
        numbers = self._chosen[which]
        gathered = np.empty((*numbers.shape, self.shape[1]), np.float32)
        owners = np.searchsorted(self._ends, numbers, side="right")
        for owner, (part, end) in enumerate(zip(self._parts, self._ends, strict=True)):
            mine = owners == owner
            gathered[mine] = part[numbers[mine] - (end - len(part))]
        return gathered


def chunks(features: Rows | np.ndarray) -> Iterator[np.ndarray]:
    """Yield all rows in order, as arrays that fit into memory; how many rows each has depends on D alone."""
    together = max(1, _TOGETHER // (4 * features.shape[1]))
    for start in range(0, len(features), together):
        yield features[start : start + together]
