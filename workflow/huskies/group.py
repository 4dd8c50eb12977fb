"""group: what must stay together. Exact duplicates, `_nohash_` siblings, and the user's own group column.

A group never crosses a split. Its name is the start of the smallest source sha256 among its members, so that
it does not depend on paths or on the order of listing.
"""

from collections import defaultdict
from collections.abc import Iterable

import pandas as pd

from huskies import manifest, naming
from huskies.job import Job

GROUPS = "groups.csv"
CONFLICTS = "conflicts.csv"


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


def keys_of(row: pd.Series) -> Iterable[tuple[str, str]]:
    """Yield (reason, key) for what binds an image to every other image that has the same."""
    yield "duplicate", row["sha256"]
    yield "duplicate", row["source_sha256"]
    if sibling := naming.sibling_key(row["source"]):
        yield "nohash", f"{row['label']}/{sibling}"
    if row["group"]:
        yield "column", row["group"]


def find_groups(rows: pd.DataFrame) -> pd.DataFrame:
    """Return columns file, label, group, reasons for every row of convert's manifest, in its order.

    Duplicates are found on the converted JPEG as well as on the source: encoding is deterministic, so equal
    pixels in two formats give equal bytes. reasons: why the image is in company, joined by "+"; empty if alone.
    """
    rows = rows.reset_index(drop=True)
    holders = defaultdict(list)
    for index, row in rows.iterrows():
        for key in dict.fromkeys(keys_of(row)):
            holders[key].append(index)
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


def find_conflicts(rows: pd.DataFrame) -> pd.DataFrame:
    """Return columns file, label, sha256 for each image whose exact duplicate has another label.

    One of the two labels must be wrong and nobody but the user knows which, so no split may use either.
    """
    labels = rows.groupby("sha256")["label"].transform("nunique")
    return rows.loc[labels > 1, ["file", "label", "sha256"]]


def run(job: Job) -> str:
    """Fill job.output with groups.csv and conflicts.csv; return a line on what was found."""
    rows = manifest.read(job.inputs["convert"] / manifest.NAME)
    groups = find_groups(rows)
    conflicts = find_conflicts(rows)
    manifest.write(groups, job.output / GROUPS)
    manifest.write(conflicts, job.output / CONFLICTS)
    together = int((groups["reasons"] != "").sum())
    summary = f"{len(rows)} images in {groups['group'].nunique()} groups, {together} not alone in theirs"
    if len(conflicts):
        summary += f"; left out {len(conflicts)} copies of one image under two labels: see {CONFLICTS}"
    return summary
