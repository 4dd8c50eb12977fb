"""A set that comes already split: the part of each group, and what has to go so that nothing leaks."""

from collections.abc import Mapping

import pandas as pd

from huskies.errors import HuskyError
from huskies.images.naming import SPLITS

# Later in this order is held out more strictly.
_RANK = {part: rank for rank, part in enumerate(SPLITS)}


def of_groups(rows: pd.DataFrame) -> dict[str, str]:
    """Return the part of each group: of those that its images are in, the one that is held out most strictly.

    rows: columns group and split, the part that convert's manifest names. Empty where the set is not split.
    """
    if not len(rows) or (rows["split"] == "").all():
        return {}
    ranks = rows["split"].map(_RANK).groupby(rows["group"]).max()
    return {group: SPLITS[rank] for group, rank in ranks.items()}


def strays(rows: pd.DataFrame, parts: Mapping[str, str]) -> pd.Series:
    """Tell of each row whether its group is held out by a stricter part than its own, so that it must be left out."""
    if not parts:
        return pd.Series(False, index=rows.index)
    return rows["group"].map(parts) != rows["split"]


def check(rows: pd.DataFrame, parts: Mapping[str, str]) -> None:
    """Raise HuskyError for a class that a part of the set has nothing of once its strays are left out."""
    labels = sorted(rows["label"].unique())
    rows = rows[~strays(rows, parts)]
    for part in sorted(set(parts.values()), key=_RANK.__getitem__):
        there = set(rows.loc[rows["group"].map(parts) == part, "label"])
        for label in labels:
            if label not in there:
                raise HuskyError(
                    f"the set is already split, and its {part} part has no image of the class '{label}', or none that "
                    "has no copy in a part that is held out. Add some, or set split.given to mix in params.yaml: then "
                    "all images are split anew."
                )


def said(parts: Mapping[str, str], test: float) -> str:
    """Return the end of a line: which parts are those of the set, and which are drawn. test: the parameter."""
    if not parts:
        return ""
    own = [part for part in SPLITS if part in parts.values()]
    wanted = ["val", "test"] if test else ["val"]
    drawn = [f"; {part} is drawn from its train" for part in wanted if part not in own]
    return "".join([f"; the set is already split, and its {', '.join(own)} are kept", *drawn])
