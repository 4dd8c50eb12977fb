"""Fourteen images of two classes, their copies and bottlenecks, for stages that hold each image out in turn."""

import dataclasses
from pathlib import Path
from typing import Any

from bottleneck_inputs import CODE, picture
from conftest import BACKBONE, TRAIN, bare_job
from huskies import digests
from huskies.images import codec, manifest, naming
from huskies.job import Job
from huskies.steps import augment, bottlenecks

WEIGHTS = "backbones/mini.weights.h5"
PARAMS = {
    "aug": {"factor": 2, "seed": 1, "policy": [{"transform": "HorizontalFlip", "p": 0.5}]},
    "backbone": BACKBONE,
    "convert": {"quality": 90, "max_side": 384},
    "cross_validation": {"folds": 2, "repeats": 2},
    "leaks": {"action": "fail"},
    "split": {"seed": 1},
    "train": TRAIN,
}


def write_split(folder: Path, twin: bool) -> None:
    """Write 14 images of two classes, of which one is a test image; twin: two of different groups are one picture."""
    rows = []
    for number in range(14):
        label, split = "cat" if number % 2 else "dog", "test" if number == 13 else "val" if number % 3 == 0 else "train"
        content = picture(number)
        if twin and number == 4:
            content = codec.encode(codec.decode(picture(2)), 60)
        file = naming.with_split(f"{label}/{number}.jpg", split)
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        sha256 = codec.sha256(content)
        row = {"file": file, "label": label, "split": split, "group": sha256[:16], "source_sha256": sha256}
        rows.append({**row, "sha256": sha256, "source": f"{label}/{number}.png"})
    # Two pictures of one group.
    rows[3]["group"] = rows[1]["group"]
    manifest.write(manifest.make(rows, ["source"]), folder / manifest.NAME)


def stage(name: str, folder: Path, params: dict[str, Any]) -> Job:
    """Return the job of a stage whose inputs lie in `folder`."""
    above = ("split", "augment", "bottlenecks_original", "bottlenecks_augmented")
    (folder / name).mkdir()
    return bare_job(
        name,
        folder / name,
        params=params,
        inputs={each: folder / each for each in above},
        files={WEIGHTS: digests.file_digest(Path(WEIGHTS))},
        code=dict.fromkeys(CODE, "0"),
        libraries={"keras": "1", "tensorflow": "1"},
    )


def below_cross_validation(name: str, folder: Path, params: dict[str, Any], cores: int) -> Job:
    """Return the job of a stage that reads cross_validation as well."""
    job = stage(name, folder, params)
    inputs = {**job.inputs, "cross_validation": folder / "cross_validation"}
    return dataclasses.replace(job, cores=cores, inputs=inputs)


def write(folder: Path, params: dict[str, Any], twin: bool = False) -> None:
    """Run the stages above cross_validation in a folder; twin: as for write_split."""
    write_split(folder / "split", twin)
    augment.run(stage("augment", folder, params))
    for name in ("bottlenecks_original", "bottlenecks_augmented"):
        bottlenecks.run(stage(name, folder, params))
