"""bottlenecks_original, bottlenecks_augmented, bottlenecks_test: the backbone's pooled output, once per image.

The three differ only in the images: train and validation originals, augmented copies, test images. Test rows
have a stage of their own, so that training cannot read them by mistake. All three see data/split, by whose training
images int8 is calibrated.
"""

from huskies import cache_file, outputs
from huskies.backbone import identity, inference, kept
from huskies.backbone.features import images_of
from huskies.backbone.store import Store
from huskies.job import Job


def run(job: Job) -> str:
    """Fill job.output with features.npy (float32, N × D), index.csv and identity.json; return a line on it."""
    folder, rows = images_of(job.stage, job.inputs)
    parameters = inference.settle(job.params["backbone"], job.inputs["split"])
    with Store(cache_file.cache_folder()) as store:
        features, computed = kept.fill(job, store, folder, rows, parameters, job.output / outputs.FEATURES)
    index = rows[["file", "label", "split", "source_sha256", "copy", "sha256"]]
    if job.stage == "bottlenecks_test":
        # Whoever compares features of test images, as `leaks` does, has no business with their labels.
        index = index.assign(label="")
    index.to_csv(job.output / outputs.INDEX, index=False, lineterminator="\n")
    (job.output / identity.NAME).write_text(identity.of(job, parameters))
    return f"computed {computed}, reused {len(rows) - computed} bottlenecks of {features.shape[1]} features"
