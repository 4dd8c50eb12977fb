"""group: what must stay together. Duplicates, near-duplicates, `_nohash_` siblings, and the user's own group column.

A group never crosses a split.
"""

import numpy as np
import pandas as pd

from huskies import cache_file, outputs
from huskies.backbone.store import Store
from huskies.errors import some
from huskies.images import manifest
from huskies.images.groups import find_conflicts, find_groups
from huskies.job import Job
from huskies.near_duplicates import candidates, comparison, descriptor
from huskies.progress import bar


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
