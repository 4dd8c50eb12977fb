"""augment: `aug.factor` copies of every training image, and of nothing else.

Copy k of an image is seeded by (aug.seed, the source's sha256, k): it is the same on any number of cores, and
factor 10 holds the copies of factor 5. Validation and test images are never opened here.
"""

from huskies.augmentation.copies import copies_of
from huskies.images import codec, manifest, naming
from huskies.job import Job


def run(job: Job) -> str:
    """Fill job.output with `<class>/train_<stem>_<k>.jpg` and manifest.csv; return a line on what was made."""
    parameters, folder = job.params["aug"], job.inputs["split"]
    rows = manifest.read(folder / manifest.NAME)
    rows = rows[rows["split"] == "train"] if parameters["factor"] else rows.iloc[:0]
    results = copies_of(rows, folder, parameters, job.params["convert"]["quality"], job.cores, job.stage)
    made = []
    for row, copies in zip(rows.to_dict("records"), results, strict=True):
        (job.output / row["file"]).parent.mkdir(exist_ok=True)
        for k, jpeg in enumerate(copies):
            file = naming.with_copy(row["file"], k)
            (job.output / file).write_bytes(jpeg)
            made.append({**row, "file": file, "copy": str(k), "sha256": codec.sha256(jpeg)})
    manifest.write(manifest.make(made), job.output / manifest.NAME)
    return f"{len(made)} copies of {len(rows)} training images, factor {parameters['factor']}"
