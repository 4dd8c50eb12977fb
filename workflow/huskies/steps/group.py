"""group: what must stay together. Duplicates, near-duplicates, `_nohash_` siblings, and the user's own group column.

A group never crosses a split. Its name is the start of the smallest source sha256 among its members, so that
it does not depend on paths or on the order of listing.
"""

from collections import defaultdict
from collections.abc import Iterable

import numpy as np
import pandas as pd

from huskies import cache_file, outputs
from huskies.backbone.store import Store
from huskies.errors import some
from huskies.images import manifest, naming
from huskies.job import Job
from huskies.near_duplicates import candidates, comparison, descriptor
from huskies.progress import bar


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


def find_near(thumbnails: np.ndarray, descriptors: np.ndarray, cores: int) -> list[tuple[int, int, float]]:
    """Return (row, larger row, similarity) for each pair of images that are near-duplicates of each other.

    thumbnails: RGB, uint8, N × comparison.SIDE × comparison.SIDE × 3, no image twice. descriptors: float32, N × D.
    similarity: the correlation of the details, from 0 to 1.
    """
    pairs = candidates.pairs_within(candidates.nearest_by_features(descriptors))
    pairs |= candidates.pairs_within(candidates.nearest_by_pixels(thumbnails))
    pairs = sorted(pairs)
    compared = bar(comparison.compare_all(thumbnails, pairs, cores), len(pairs), "group", unit=" pairs")
    return [
        (*pair, similarity)
        for pair, (similarity, details) in zip(pairs, compared, strict=True)
        if similarity >= comparison.required(details)
    ]


def near_duplicates(job: Job, rows: pd.DataFrame) -> pd.DataFrame:
    """Return columns file, other, similarity for the near-duplicates among the rows of convert's manifest.

    Of exact duplicates only the first file is compared and named. The order is that of the images' sha256, so
    that neither paths nor the order of listing have an influence on what is compared with what.
    """
    distinct = rows.sort_values(["sha256", "file"]).drop_duplicates("sha256").reset_index(drop=True)
    if len(distinct) < 2:
        return pd.DataFrame(columns=["file", "other", "similarity"], dtype=str)
    files = [(job.inputs["convert"] / row.file, row.sha256) for row in distinct.itertuples()]
    thumbnails = comparison.thumbnails(files, job.cores)
    with Store(cache_file.cache_folder()) as store:
        descriptors = descriptor.load(job, store, thumbnails, list(distinct["sha256"]))
    pairs = find_near(thumbnails, descriptors, job.cores)
    names = distinct["file"]
    named = [(*sorted((names[one], names[other])), f"{similarity:.4f}") for one, other, similarity in pairs]
    return pd.DataFrame(sorted(named), columns=["file", "other", "similarity"], dtype=str)


def find_groups(rows: pd.DataFrame, near: Iterable[tuple[str, str]] = ()) -> pd.DataFrame:
    """Return columns file, label, group, reasons for every row of convert's manifest, in its order.

    near: the files of each pair of near-duplicates. Exact duplicates are found on the converted JPEG as well as on
    the source: encoding is deterministic, so equal pixels in two formats give equal bytes.
    reasons: why the image is in company, joined by "+"; empty if alone.
    """
    rows = rows.reset_index(drop=True)
    holders = defaultdict(list)
    for index, row in enumerate(rows.to_dict("records")):
        for key in dict.fromkeys(keys_of(row)):
            holders[key].append(index)
    index_of = dict(zip(rows["file"], rows.index, strict=True))
    for number, pair in enumerate(near):
        holders["near-duplicate", str(number)] = [index_of[file] for file in pair]
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


def run(job: Job) -> str:
    """Fill job.output with groups.csv, near.csv and conflicts.csv; return a line on what was found."""
    parameters = job.params["group"]
    rows = manifest.read(job.inputs["convert"] / manifest.NAME)
    sought = parameters["near_duplicates"]
    near = near_duplicates(job, rows if sought else rows.iloc[:0])
    pairs = list(zip(near["file"], near["other"], strict=True))
    groups = find_groups(rows, pairs)
    conflicts = find_conflicts(rows, pairs)
    manifest.write(groups, job.output / manifest.GROUPS)
    manifest.write(near, job.output / outputs.NEAR)
    manifest.write(conflicts, job.output / manifest.CONFLICTS)
    together = int((groups["reasons"] != "").sum())
    summary = f"{len(rows)} images in {groups['group'].nunique()} groups, {together} not alone in theirs"
    summary += f", {len(near)} pairs of near-duplicates" if sought else ""
    if len(conflicts):
        named = some(sorted(conflicts["file"]))
        summary += (
            f"; left out {len(conflicts)} copies of one image under two labels ({named}): see {manifest.CONFLICTS}"
        )
    return summary
