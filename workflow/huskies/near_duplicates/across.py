"""Near-duplicates across a border: between what is held out and what is trained on, or between any two groups.

What `group` has joined is not looked for again; these are looked for by the user's own backbone, and by pixels.
"""

from collections.abc import Collection
from pathlib import Path

import numpy as np
import pandas as pd

from huskies.backbone.features import Rows
from huskies.images import pairs
from huskies.near_duplicates import candidates, comparison, remembered
from huskies.near_duplicates.leaking import COLUMNS
from huskies.progress import bar

# Other images that each image is compared with.
_NEAREST = 3


def find_near(
    folder: Path,
    held_out: pd.DataFrame,
    trained: pd.DataFrame,
    features: tuple[np.ndarray | Rows, np.ndarray | Rows],
    cores: int,
    different: Collection[pairs.Pair] = (),
) -> pd.DataFrame:
    """Return COLUMNS for each training image that is a near-duplicate of a held-out one, whatever their groups.

    folder: data/split. held_out: columns file, sha256. trained: columns file, sha256 of the original that each
    training row descends from. features: float32, of the rows of both. Compared are the originals that a held-out
    image's nearest rows by features, copies included, descend from, and its nearest originals by coarse pixels, for
    few backbones take a turned image for what it was. different: the sha256 of pairs that are no near-duplicates.
    """
    if not len(trained) or not len(held_out):
        return pd.DataFrame(columns=COLUMNS, dtype=str)
    originals = trained.drop_duplicates("file").reset_index(drop=True)
    number_of = dict(zip(originals["file"], originals.index, strict=True))
    nearest = candidates.nearest_sources(*features, trained["file"].map(number_of).to_numpy(), _NEAREST, cores)
    everything = pd.concat([held_out, originals], ignore_index=True)
    thumbnails = comparison.thumbnails(_files(folder, everything), cores)
    halves = thumbnails[: len(held_out)], thumbnails[len(held_out) :]
    across = candidates.nearest_across(*halves, _NEAREST, cores)
    back = candidates.nearest_across(*reversed(halves), _NEAREST, cores)
    near = {(one, int(other)) for rows in (nearest, across) for one, found in enumerate(rows) for other in found}
    near |= {(int(one), other) for other, found in enumerate(back) for one in found}
    near = {(one, len(held_out) + other) for one, other in near}
    return _compared(folder, everything, thumbnails, near, cores, different, "leaks")


def find_near_groups(
    folder: Path,
    images: pd.DataFrame,
    features: tuple[np.ndarray | Rows, np.ndarray | Rows],
    sources: np.ndarray,
    cores: int,
    different: Collection[pairs.Pair],
    stage: str,
) -> pd.DataFrame:
    """Return COLUMNS for each two images of different groups that are near-duplicates.

    folder: data/split. images: columns file, sha256, group. features: float32, of the images, and of them and their
    copies. sources: int, the image that each row of the latter is of. different: as in `find_near`. stage: the name at
    the bar.
    """
    group = pd.factorize(images["group"])[0]
    nearest = candidates.nearest_sources(*features, sources, _NEAREST, cores, (group, group))
    thumbnails = comparison.thumbnails(_files(folder, images), cores)
    near = candidates.pairs_within(nearest) | candidates.pairs_within(
        candidates.nearest_by_pixels(thumbnails, _NEAREST, cores)
    )
    near = {(one, other) for one, other in near if group[one] != group[other]}
    return _compared(folder, images, thumbnails, near, cores, different, stage)


def _files(folder: Path, images: pd.DataFrame) -> list[comparison.File]:
    return [(folder / row.file, row.sha256) for row in images.itertuples()]


def _compared(
    folder: Path,
    images: pd.DataFrame,
    thumbnails: np.ndarray,
    near: Collection[tuple[int, int]],
    cores: int,
    different: Collection[pairs.Pair],
    stage: str,
) -> pd.DataFrame:
    """Return COLUMNS for those pairs of rows of `images` that are near-duplicates, the later row as file."""
    # Which comes first is by sha256, as in the stage group: what was compared there has the same outcome here.
    sha256 = images["sha256"].to_list()
    likely = [tuple(sorted(pair, key=sha256.__getitem__)) for pair in sorted(near)]
    likely = [pair for pair in likely if tuple(sha256[each] for each in pair) not in different]
    compared = remembered.compare_all(_files(folder, images), thumbnails, likely, cores)
    compared = bar(compared, len(likely), stage, unit=" pairs")
    leaks = [
        (images["file"][max(pair)], images["file"][min(pair)], "near-duplicate", f"{similarity:.4f}")
        for pair, similarity in zip(likely, compared, strict=True)
        if similarity
    ]
    return pd.DataFrame(sorted(leaks), columns=COLUMNS, dtype=str)
