"""bottlenecks_original, bottlenecks_augmented, bottlenecks_test: the backbone's pooled output, once per image.

The three differ only in the images: train and validation originals, augmented copies, test images. Test rows
have a stage of their own, so that training cannot read them by mistake. All three see data/split, by whose training
images int8 is calibrated.
"""

from typing import Any

from huskies import cache_file, outputs
from huskies.backbone import identity, inference, kept, preprocessing
from huskies.backbone.features import images_of
from huskies.backbone.store import Store
from huskies.job import Job


def too_few_pixels(backbone: dict[str, Any], max_side: int) -> list[str]:
    """Return a line of warning where the backbone sees more pixels a side than convert keeps of large photos."""
    side = preprocessing.pixels_seen(backbone)
    if side is None or not 0 < max_side < side:
        return []
    return [
        f"the backbone sees {side} pixels a side, and convert.max_side keeps {max_side} of larger photos: "
        f"set it to {side} or more in params.yaml"
    ]


def run(job: Job) -> str:
    """Fill job.output with features.npy (float32, N × D), index.csv and identity.json; return lines on it."""
    folder, rows = images_of(job.stage, job.inputs)
    if job.shard:
        rows = rows[rows["sha256"].map(job.shard.holds)].reset_index(drop=True)
    parameters = inference.settle(job.params["backbone"], job.inputs["split"])
    described = identity.of(job, parameters)
    identity.check(*job.shards, computed=described)
    with Store(cache_file.database_folder()) as store:
        features, computed = kept.fill(job, store, folder, rows, parameters, job.output / outputs.FEATURES)
    index = rows[["file", "label", "split", "source_sha256", "copy", "sha256"]]
    if job.stage == "bottlenecks_test":
        # Whoever compares features of test images, as `leaks` does, has no business with their labels.
        index = index.assign(label="")
    index.to_csv(job.output / outputs.INDEX, index=False, lineterminator="\n")
    (job.output / identity.NAME).write_text(described)
    summary = f"computed {computed}, reused {len(rows) - computed} bottlenecks of {features.shape[1]} features"
    # Once for all three: the warning is of the originals.
    original = job.stage == "bottlenecks_original"
    warnings = too_few_pixels(job.params["backbone"], job.params["convert"]["max_side"]) if original else []
    return "\n  ".join([summary, *warnings])
