"""Bottlenecks as they are read: checked against their images, and row by row, since they may be larger than memory."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from huskies import outputs
from huskies.errors import HuskyError
from huskies.images import manifest

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

    def only(self, which: np.ndarray) -> "Rows":
        """Return those of the rows with these numbers, without reading any."""
        return Rows(self._parts, self._chosen[which])

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


def rows_of(folder: Path, *splits: str) -> pd.DataFrame:
    """Return the rows of the manifest in a folder that are of the named splits, numbered from 0."""
    rows = manifest.read(folder / manifest.NAME)
    return rows[rows["split"].isin(splits)].reset_index(drop=True)


def images_of(stage: str, inputs: dict[str, Path]) -> tuple[Path, pd.DataFrame]:
    """Return (folder of the images, their manifest rows) that the stage computes bottlenecks of."""
    source = "augment" if stage == "bottlenecks_augmented" else "split"
    splits = ("test",) if stage == "bottlenecks_test" else ("train", "val")
    return inputs[source], rows_of(inputs[source], *splits)


def load_features(folder: Path, images: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    """Return (index, memory-mapped float32 features) of a bottleneck stage's output.

    images: the rows of the manifest that it should have been made from. Raises HuskyError unless files and
    sha256 agree row by row: bottlenecks of other pixels under the same names are what the article warns of.
    """
    index = manifest.read(folder / outputs.INDEX)
    features = np.load(folder / outputs.FEATURES, mmap_mode="r")
    expected = list(zip(images["file"], images["sha256"], strict=True))
    if len(features) != len(index) or list(zip(index["file"], index["sha256"], strict=True)) != expected:
        raise HuskyError(
            f"the bottlenecks in {folder} are not of the images they are to stand for. "
            f"Delete {folder} and run the same command again."
        )
    return index, features
