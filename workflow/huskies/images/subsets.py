"""Which photos a learning curve is trained on: parts of each class, the smaller within the larger, no group cut."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from huskies.images import places

# Groups of a class that even the smallest part has, where there are as many.
_FEWEST = 2


def nested(rows: pd.DataFrame, fold_of: np.ndarray, shares: Sequence[float], repeat: int, seed: int) -> np.ndarray:
    """Return which images the heads of each fold are trained on, bool, shares × folds × images.

    rows: columns label and group, of all images. fold_of: int, of each. shares: of each class's photos in the other
    folds, between 0 and 1. A group's place is a hash of (seed, repeat, group), and a class has the first ones, up to as
    near to its share as whole groups come. A group of two classes is in where either has it.
    """
    place = {group: places.position(f"{seed}:subset:{repeat}", group) for group in rows["group"].unique()}
    labels, groups = rows["label"].to_numpy(), rows["group"].to_numpy()
    kept = np.zeros((len(shares), int(fold_of.max()) + 1, len(rows)), bool)
    for fold in range(kept.shape[1]):
        others = fold_of != fold
        for label in np.unique(labels[others]):
            members, sizes = np.unique(groups[others & (labels == label)], return_counts=True)
            order = np.array(sorted(range(len(members)), key=lambda each: (place[members[each]], members[each])))
            ends = sizes[order].cumsum()
            for part, share in enumerate(shares):
                # A group is in by its middle, so that a part is on average as large as its share.
                near = int((ends - sizes[order] / 2 <= share * ends[-1]).sum())
                chosen = members[order[: max(near, _FEWEST)]]
                kept[part, fold] |= others & np.isin(groups, chosen)
    return kept
