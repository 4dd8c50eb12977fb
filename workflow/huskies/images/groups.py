"""What must stay together: images with the same bytes or pixels, `_nohash_` siblings, the user's own groups and pairs.

A group's name is the start of the smallest source sha256 among its members, so that it does not depend on paths or on
the order of listing.
"""

from collections import defaultdict
from collections.abc import Iterable

import pandas as pd

from huskies.images import naming


def join(size: int, bonds: Iterable[tuple[int, int]]) -> list[int]:
    """Return for each of `size` items the smallest item that it is bound to, directly or through others."""
    leader = list(range(size))

    def find(item: int) -> int:
        while leader[item] != item:
            leader[item] = leader[leader[item]]
            item = leader[item]
        return item

    for one, other in bonds:
        first, second = sorted((find(one), find(other)))
        leader[second] = first
    return [find(item) for item in range(size)]


def keys_of(row: dict[str, str]) -> Iterable[tuple[str, str]]:
    """Yield (reason, key) for what binds an image to every other image that has the same."""
    yield "duplicate", row["sha256"]
    yield "duplicate", row["source_sha256"]
    if sibling := naming.sibling_key(row["source"]):
        yield "nohash", f"{row['label']}/{sibling}"
    if row["group"]:
        yield "column", row["group"]


def find_groups(
    rows: pd.DataFrame, near: Iterable[tuple[str, str]] = (), said: Iterable[tuple[str, str]] = ()
) -> pd.DataFrame:
    """Return columns file, label, group, reasons for every row of convert's manifest, in its order.

    near: the files of each pair of near-duplicates. said: those of each pair that pairs.csv calls the same.
    Exact duplicates are found on the converted JPEG as well as on the source: encoding is deterministic, so equal
    pixels in two formats give equal bytes.
    reasons: why the image is in company, joined by "+"; empty if alone.
    """
    rows = rows.reset_index(drop=True)
    holders = defaultdict(list)
    for index, row in enumerate(rows.to_dict("records")):
        for key in dict.fromkeys(keys_of(row)):
            holders[key].append(index)
    index_of = dict(zip(rows["file"], rows.index, strict=True))
    for reason, pairs in (("near-duplicate", near), ("pairs.csv", said)):
        for number, pair in enumerate(pairs):
            holders[reason, str(number)] = [index_of[file] for file in pair]
    shared = {key: members for key, members in holders.items() if len(members) > 1}
    leaders = join(len(rows), ((members[0], other) for members in shared.values() for other in members[1:]))
    reasons = defaultdict(set)
    for (reason, _), members in shared.items():
        for member in members:
            reasons[member].add(reason)
    smallest = rows["source_sha256"].groupby(leaders).min()
    return pd.DataFrame(
        {
            "file": rows["file"],
            "label": rows["label"],
            "group": [smallest[leader][:16] for leader in leaders],
            "reasons": ["+".join(sorted(reasons[index])) for index in range(len(rows))],
        }
    )


def find_conflicts(rows: pd.DataFrame, near: Iterable[tuple[str, str]] = ()) -> pd.DataFrame:
    """Return columns file, label, sha256 for each image of which a copy has another label, exact or near-duplicate.

    One of the two labels must be wrong and nobody but the user knows which, so no split may use either.
    """
    labels_of = defaultdict(set)
    for sha256, label in zip(rows["sha256"], rows["label"], strict=True):
        labels_of[sha256].add(label)
    sha256_of = dict(zip(rows["file"], rows["sha256"], strict=True))
    contradicted = {sha256 for sha256, labels in labels_of.items() if len(labels) > 1}
    for pair in near:
        one, other = (sha256_of[file] for file in pair)
        if len(labels_of[one] | labels_of[other]) > 1:
            contradicted |= {one, other}
    return rows.loc[rows["sha256"].isin(contradicted), ["file", "label", "sha256"]]
