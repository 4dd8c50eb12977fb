"""leaks: the gate before any number. Every row that a head was trained on is traced back to its source image."""

import json

import pandas as pd

from huskies import manifest, train
from huskies.errors import HuskyError, some
from huskies.job import Job

NAME = "leaks.json"


def find_leaks(trained: pd.DataFrame, originals: pd.DataFrame, copies: pd.DataFrame) -> list[str]:
    """Return a line for each training row that must not have been trained on.

    trained: the rows of train's rows.csv. originals, copies: the manifests of split and augment. A row leaks if
    it is not listed there with the same bytes, if its source is held out or its group is, or if its bytes are
    those of a held-out image.
    """
    held_out = originals[originals["split"] != "train"]
    holder = {
        column: dict(zip(held_out[column], held_out["file"], strict=True))
        for column in ("source_sha256", "group", "sha256")
    }
    listed = {(row.file, row.sha256): row for each in (originals, copies) for row in each.itertuples()}
    sources = set(originals["source_sha256"])
    leaks = []
    for row in trained.itertuples():
        origin = listed.get((row.file, row.sha256))
        if origin is None or origin.source_sha256 not in sources:
            leaks.append(f"{row.file} descends from no image of the split")
        elif origin.split != "train":
            leaks.append(f"{row.file} is itself held out")
        elif origin.source_sha256 in holder["source_sha256"]:
            leaks.append(f"{row.file} descends from {holder['source_sha256'][origin.source_sha256]}")
        elif origin.group in holder["group"]:
            leaks.append(f"{row.file} is in one group with {holder['group'][origin.group]}")
        elif row.sha256 in holder["sha256"]:
            leaks.append(f"{row.file} has the bytes of {holder['sha256'][row.sha256]}")
    return leaks


def run(job: Job) -> str:
    """Fill job.output with leaks.json; return a line on it. Raises HuskyError with the pairs if there are leaks."""
    originals = manifest.read(job.inputs["split"] / manifest.NAME)
    copies = manifest.read(job.inputs["augment"] / manifest.NAME)
    traced = {}
    for stage in ("train_baseline", "train_augmented"):
        trained = manifest.read(job.inputs[stage] / train.ROWS)
        leaks = find_leaks(trained, originals, copies)
        if leaks:
            raise HuskyError(
                f"{len(leaks)} images that {stage} was trained on leak from what is held out: {some(leaks)}. "
                f"No number is reported. Delete {job.inputs['split']} and {job.inputs['augment']}, and run again."
            )
        traced[stage] = len(trained)
    (job.output / NAME).write_text(json.dumps({"leaks": 0, "action": "fail", "traced": traced}, indent=1) + "\n")
    return f"0 leaks; {traced['train_baseline']} and {traced['train_augmented']} training images traced"
