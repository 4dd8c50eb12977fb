"""augment: `aug.factor` copies of every training image, and of nothing else.

Copy k of an image is seeded by (aug.seed, the source's sha256, k): it is the same on any number of cores, and
factor 10 holds the copies of factor 5. Validation and test images are never opened here.
"""

from huskies.augmentation import copies
from huskies.images import manifest
from huskies.job import Job


def run(job: Job) -> str:
    """Fill job.output with `<class>/train_<stem>_<k>.jpg` and manifest.csv; return a line on what was made."""
    parameters, folder = job.params["aug"], job.inputs["split"]
    rows = manifest.read(folder / manifest.NAME)
    rows = rows[rows["split"] == "train"] if parameters["factor"] else rows.iloc[:0]
    quality = job.params["convert"]["quality"]
    made = copies.write(rows, folder, job.output, parameters, quality, job.cores, job.stage)
    manifest.write(made, job.output / manifest.NAME)
    return f"{len(made)} copies of {len(rows)} training images, factor {parameters['factor']}"
