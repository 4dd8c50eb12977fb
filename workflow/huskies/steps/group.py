"""group: what must stay together. Duplicates, near-duplicates, `_nohash_` siblings, and the user's own group column.

What pairs.csv says of two images goes before what is found. A group never crosses a split.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd

from huskies import cache_file, outputs
from huskies.backbone.store import Store
from huskies.errors import some
from huskies.images import manifest, pairs
from huskies.images.groups import find_conflicts, find_groups
from huskies.job import Job
from huskies.near_duplicates import candidates, comparison, descriptor, remembered
from huskies.progress import bar


def find_near(
    files: Sequence[comparison.File], thumbnails: np.ndarray, descriptors: Callable[[], np.ndarray], cores: int
) -> list[tuple[int, int, float]]:
    """Return (row, larger row, similarity) for each pair of images that are near-duplicates of each other, sorted.

    files: no image twice. thumbnails: of the files, as comparison has them. descriptors: gives float32, N × D, and is
    called only when all that look alike by their pixels have been compared. similarity: how closely the two agree, from
    0 to 1.
    """

    def compared(likely: set[tuple[int, int]]) -> Iterator[tuple[int, int, float]]:
        ordered = sorted(likely)
        similarities = remembered.compare_all(files, thumbnails, ordered, cores)
        similarities = bar(similarities, len(ordered), "group", unit=" pairs")
        return ((*pair, similarity) for pair, similarity in zip(ordered, similarities, strict=True) if similarity)

    by_pixels = candidates.pairs_within(candidates.nearest_by_pixels(thumbnails, cores=cores))
    found = [*compared(by_pixels)]
    by_features = candidates.pairs_within(candidates.nearest_by_features(descriptors(), cores=cores))
    return sorted([*found, *compared(by_features - by_pixels)])


def near_duplicates(job: Job, rows: pd.DataFrame, different: Collection[pairs.Pair] = ()) -> pd.DataFrame:
    """Return columns file, other, similarity for the near-duplicates among the rows of convert's manifest.

    different: the sha256 of those that are none, whatever they look like.
    Of exact duplicates only the first file is compared and named. The order is that of the images' sha256, so
    that neither paths nor the order of listing have an influence on what is compared with what.
    """
    distinct = rows.sort_values(["sha256", "file"]).drop_duplicates("sha256").reset_index(drop=True)
    if len(distinct) < 2:
        return pd.DataFrame(columns=["file", "other", "similarity"], dtype=str)
    files = [(job.inputs["convert"] / row.file, row.sha256) for row in distinct.itertuples()]
    # On a new machine this converts a network, which keeps one core busy for seconds, and pairs are compared meanwhile.
    with ThreadPoolExecutor(1) as aside:
        described = aside.submit(descriptor.identity, job)
        thumbnails = comparison.thumbnails(files, job.cores)

        def descriptors() -> np.ndarray:
            with Store(cache_file.database_folder()) as store:
                return descriptor.load(job, store, described.result(), thumbnails, list(distinct["sha256"]))

        found = find_near(files, thumbnails, descriptors, job.cores)
    names, sha256 = distinct["file"], distinct["sha256"]
    named = [
        (*sorted((names[one], names[other])), f"{similarity:.4f}")
        for one, other, similarity in found
        if pairs.in_order(sha256[one], sha256[other]) not in different
    ]
    return pd.DataFrame(sorted(named), columns=["file", "other", "similarity"], dtype=str)


def what_is_said(job: Job, rows: pd.DataFrame) -> pairs.Said:
    """Return what pairs.csv says of the rows of convert's manifest. Raises HuskyError if it speaks of others.

    It speaks of the images of params.yaml alone: the plans of other flows do not have it.
    """
    if str(pairs.PATH) in job.files:
        pairs.check_names(rows["source"])
    return pairs.known_to(job.files)


def run(job: Job) -> str:
    """Fill job.output with groups.csv, near.csv and conflicts.csv; return a line on what was found."""
    parameters = job.params["group"]
    rows = manifest.read(job.inputs["convert"] / manifest.NAME)
    sought = parameters["near_duplicates"]
    said = what_is_said(job, rows)
    near = near_duplicates(job, rows if sought else rows.iloc[:0], pairs.by_content(said.different, rows))
    found = list(zip(near["file"], near["other"], strict=True))
    file_of = dict(zip(rows["source"], rows["file"], strict=True))
    same = [(file_of[one], file_of[other]) for one, other in sorted(said.same)]
    groups = find_groups(rows, found, same)
    conflicts = find_conflicts(rows, [*found, *same])
    manifest.write(groups, job.output / manifest.GROUPS)
    manifest.write(near, job.output / outputs.NEAR)
    manifest.write(conflicts, job.output / manifest.CONFLICTS)
    together = int((groups["reasons"] != "").sum())
    summary = f"{len(rows)} images in {groups['group'].nunique()} groups, {together} not alone in theirs"
    summary += f", {len(near)} pairs of near-duplicates" if sought else ""
    if said.same or said.different:
        summary += f"; {pairs.PATH}: {len(said.same)} pairs the same, {len(said.different)} different"
    if len(conflicts):
        named = some(sorted(conflicts["file"]))
        summary += (
            f"; left out {len(conflicts)} copies of one image under two labels ({named}): see {manifest.CONFLICTS}"
        )
    return summary
