"""The folds of cross-validation: every group is asked once in each repeat, and never crosses a fold."""

import numpy as np
import pandas as pd

from huskies.images import places


def assign(rows: pd.DataFrame, folds: int, repeat: int, seed: int) -> np.ndarray:
    """Return the fold of each row, int from 0.

    rows: columns label and group, of all images that are not test images. A group's fold is a threshold on a hash of
    (seed, repeat, group), so adding images leaves the others where they are. A class that would be missing in a fold is
    given its lowest-placed group that can be spared.
    Raises HuskyError for a class of which not every fold can have a group.
    """
    place = {group: places.position(f"{seed}:fold:{repeat}", group) for group in rows["group"].unique()}
    fold_of = {group: str(int(where * folds)) for group, where in place.items()}

    def too_small(label: str, groups: int) -> str:
        fewer = f", or set cross_validation.folds to {groups} in params.yaml" if 2 <= groups < folds else ""
        images = int((rows["label"] == label).sum())
        return (
            f"the class '{label}' is too small for {folds} folds, each of which needs an image of it: it has {images} "
            f"image(s) that are not test images, in {groups} group(s), which never cross a fold. "
            f"Add {max(1, folds - groups)} other(s) of that class{fewer}, or remove the class."
        )

    places.fill_classes(rows, fold_of, place, [str(fold) for fold in range(folds)], too_small)
    return rows["group"].map(fold_of).astype(int).to_numpy()


def crossing(rows: pd.DataFrame, fold: np.ndarray) -> pd.DataFrame:
    """Return columns file, other, reason for rows of two folds that must not be apart: a leak from one to the other.

    rows: columns file, group, source_sha256 and sha256, of images and of their copies. fold: int, of each row. Two
    rows belong together that are of one group, come from one source, or have the same bytes.
    """
    found = []
    for column, reason in (("group", "group"), ("source_sha256", "descent"), ("sha256", "bytes")):
        first = pd.DataFrame({"key": rows[column].to_numpy(), "fold": fold, "file": rows["file"].to_numpy()})
        apart = first.drop_duplicates(["key", "fold"])
        apart = apart[apart["key"].duplicated(keep=False)]
        found += [(*apart["file"][members].iloc[:2], reason) for members in apart.groupby("key").groups.values()]
    return pd.DataFrame(found, columns=["file", "other", "reason"], dtype=str)
