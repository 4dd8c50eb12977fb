"""augment: `aug.factor` copies of every training image, and of nothing else.

Copy k of an image is seeded by (aug.seed, the source's sha256, k): it is the same on any number of cores, and
factor 10 holds the copies of factor 5. Validation and test images are never opened here.
"""

from collections import defaultdict
from pathlib import Path

from huskies import shards
from huskies.augmentation import copies
from huskies.images import manifest
from huskies.job import Job

# The parameters that the copies of an image depend on.
SHAPING = ("aug.factor", "aug.seed", "aug.policy", "convert.quality")


def run(job: Job) -> str:
    """Fill job.output with `<class>/train_<stem>_<k>.jpg` and manifest.csv; return a line on what was made.

    A shard has its rows of the manifest, and beside them the sha256 of the image that each copy is of.
    """
    parameters, folder = job.params["aug"], job.inputs["split"]
    rows = manifest.read(folder / manifest.NAME)
    rows = rows[rows["split"] == "train"] if parameters["factor"] else rows.iloc[:0]
    if job.shard:
        rows = rows[rows["source_sha256"].map(job.shard.holds)]
    known = known_copies(job)
    made = copies.write(
        rows, folder, job.output, parameters, job.params["convert"]["quality"], job.cores, job.stage, known
    )
    if job.shard:
        originals = rows["sha256"].repeat(parameters["factor"]).to_numpy()
        manifest.write(made.assign(original=originals), job.output / shards.RESULTS)
    else:
        manifest.write(made, job.output / manifest.NAME)
    return f"{len(made)} copies of {len(rows)} training images, factor {parameters['factor']}"


def known_copies(job: Job) -> dict[tuple[str, str], list[Path]]:
    """Return the files of copies that shards have made as this job would, by (sha256 of the image, of its source)."""
    found = defaultdict(dict)
    for folder in job.usable_shards(*SHAPING):
        for row in manifest.read(folder / shards.RESULTS).itertuples():
            found[row.original, row.source_sha256][int(row.copy)] = folder / row.file
    return {key: [files[k] for k in sorted(files)] for key, files in found.items()}
