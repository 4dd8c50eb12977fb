"""Which part a group goes to: by its place, a hash that nothing else moves, and then so that no class is left out."""

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Sequence

import pandas as pd

from huskies.errors import HuskyError


def position(seed: int | str, group: str) -> float:
    """Return the place of a group in [0, 1): the same on every machine, for ever."""
    digest = hashlib.sha256(f"{seed}:{group}".encode()).digest()
    return int.from_bytes(digest[:8]) / 2**64


def fill_classes(
    rows: pd.DataFrame,
    part_of: dict[str, str],
    place: dict[str, float],
    wanted: Sequence[str],
    too_small: Callable[[str, int], str],
    fixed: Collection[str] = (),
) -> list[dict[str, str]]:
    """Move groups, none of them fixed, until each class has one in each wanted part; return the moves.

    rows: columns label and group. part_of: the part of each group, which is changed. place: of each group; the lowest
    that can be spared is moved. A move has the keys group, label, before, after.
    Raises HuskyError where no group can be spared, with what too_small says of the class and of how many groups it has.
    """
    labels_of = rows.groupby("group")["label"].unique()
    groups_of = rows.groupby("label")["group"].unique()
    counts = Counter((label, part_of[group]) for group, labels in labels_of.items() for label in labels)

    def can_go(group: str) -> bool:
        return group not in fixed and all(counts[label, part_of[group]] > 1 for label in labels_of[group])

    moves = []
    for label, groups in groups_of.items():
        for after in wanted:
            if counts[label, after]:
                continue
            spare = list(filter(can_go, groups))
            if not spare:
                raise HuskyError(too_small(label, len(groups)))
            group = min(spare, key=lambda each: (place[each], each))
            moves.append({"group": group, "label": label, "before": part_of[group], "after": after})
            for other in labels_of[group]:
                counts[other, part_of[group]] -= 1
                counts[other, after] += 1
            part_of[group] = after
    return moves
