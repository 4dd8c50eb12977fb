"""augmented_first: a mistake made on purpose. All images are copied before any is held out, to be raw images again."""

from pathlib import Path

from huskies.augmentation.copies import copies_of
from huskies.backbone.features import rows_of
from huskies.images import codec, naming
from huskies.job import Job


def run(job: Job) -> str:
    """Fill job.output with images/<class>/<source>.jpg and <source>_<copy>.jpg; return a line on it.

    The images are the training and validation images of data/split, each named by the start of its source's sha256,
    so that no name says any more which images belong together.
    """
    parameters, folder = job.params["aug"], job.inputs["split"]
    rows = rows_of(folder, "train", "val")
    results = copies_of(rows, folder, parameters, job.params["convert"]["quality"], job.cores, job.stage)
    for row, copies in zip(rows.itertuples(), results, strict=True):
        place = job.output / "images" / row.file.split("/")[0]
        place.mkdir(parents=True, exist_ok=True)
        original = place / f"{row.source_sha256[:16]}.jpg"
        original.write_bytes(codec.read_checked(folder / row.file, row.sha256))
        for copy, jpeg in enumerate(copies):
            Path(naming.with_copy(str(original), copy)).write_bytes(jpeg)
    return f"{len(rows)} images and {len(rows) * parameters['factor']} copies of them, to be split afterwards"
