"""leaks: the gate before any number. No training image may be, come from, or look like what is held out.

Every row that a head was trained on is traced to its source, and every held-out image is compared with the training
images nearest to it, by the user's own backbone and by pixels. Of test images, labels are never used.
"""

import json

import numpy as np
import pandas as pd

from huskies import outputs
from huskies.backbone import identity
from huskies.backbone.features import Rows, load_features
from huskies.errors import some
from huskies.images import manifest, pairs
from huskies.job import Job
from huskies.near_duplicates import across, leaking

PICTURE = "pairs.png"


def find_leaks(trained: pd.DataFrame, originals: pd.DataFrame, copies: pd.DataFrame) -> pd.DataFrame:
    """Return leaking.COLUMNS for each training row that must not have been trained on, in the order of the rows.

    trained: the rows of train's rows.csv. originals, copies: the manifests of split and augment. A row leaks if
    it is not listed there with the same bytes, if its source is held out or its group is, or if its bytes are
    those of a held-out image. held_out is empty where the row descends from no image of the split at all.
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
            leaks.append((row.file, "", "unknown"))
        elif origin.split != "train":
            leaks.append((row.file, row.file, "itself"))
        elif origin.source_sha256 in holder["source_sha256"]:
            leaks.append((row.file, holder["source_sha256"][origin.source_sha256], "descent"))
        elif origin.group in holder["group"]:
            leaks.append((row.file, holder["group"][origin.group], "group"))
        elif row.sha256 in holder["sha256"]:
            leaks.append((row.file, holder["sha256"][row.sha256], "bytes"))
    return pd.DataFrame([(*leak, "") for leak in leaks], columns=leaking.COLUMNS, dtype=str)


def compare_features(job: Job, originals: pd.DataFrame, copies: pd.DataFrame) -> pd.DataFrame:
    """Return what `across.find_near` does for the bottlenecks above. originals, copies: manifests without labels."""
    read = ("bottlenecks_original", "bottlenecks_augmented", "bottlenecks_test", "train_baseline", "train_augmented")
    identity.check(*(job.inputs[stage] for stage in read))
    is_test = originals["split"] == "test"
    first, test = originals[~is_test].reset_index(drop=True), originals[is_test]
    _, of_first = load_features(job.inputs["bottlenecks_original"], first)
    _, of_copies = load_features(job.inputs["bottlenecks_augmented"], copies)
    _, of_test = load_features(job.inputs["bottlenecks_test"], test)
    is_train = (first["split"] == "train").to_numpy()
    columns = ["file", "sha256"]
    held_out = pd.concat([first.loc[~is_train, columns], test[columns]])
    training = first[is_train].drop_duplicates("source_sha256").set_index("source_sha256")[columns]
    known = [is_train, copies["source_sha256"].isin(training.index).to_numpy()]
    sources = pd.concat([first.loc[known[0], "source_sha256"], copies.loc[known[1], "source_sha256"]])
    trained = training.loc[sources].reset_index(drop=True)
    features = (
        Rows([of_first, of_test], np.flatnonzero(np.concatenate([~is_train, np.ones(len(test), bool)]))),
        Rows([of_first, of_copies], np.flatnonzero(np.concatenate(known))),
    )
    different = pairs.by_content(pairs.known_to(job.files).different, originals)
    return across.find_near(job.inputs["split"], held_out, trained, features, job.cores, different)


def run(job: Job) -> str:
    """Fill job.output with leaks.json, and with leaks.csv and pairs.png for `leaks.action: warn`; return a line on it.

    Raises HuskyError for leaks if `leaks.action` is fail, names the pairs, and shows them in logs/<stage>.png.
    """
    parameters = job.params["leaks"]
    action = parameters["action"]
    originals = manifest.read(job.inputs["split"] / manifest.NAME).drop(columns="label")
    copies = manifest.read(job.inputs["augment"] / manifest.NAME).drop(columns="label")
    trained = {
        "train_baseline": manifest.read(job.inputs["train_baseline"] / outputs.ROWS),
        "train_augmented": manifest.read(job.inputs["train_augmented"] / outputs.ROWS),
    }
    traced = [find_leaks(rows, originals, copies) for rows in trained.values()]
    leaks = pd.concat([*traced, compare_features(job, originals, copies)]).drop_duplicates(ignore_index=True)
    leaking.leave_pairs(leaks, originals)
    shown = leaking.draw(leaks, [job.inputs["split"], job.inputs["augment"]]) if len(leaks) else None
    if len(leaks) and action == "fail":
        leaking.refuse(job, leaks, shown)
    counts = {stage: len(rows) for stage, rows in trained.items()}
    written = {"leaks": len(leaks), "action": action, "traced": counts}
    (job.output / outputs.LEAKS).write_text(json.dumps(written, indent=1) + "\n")
    if action == "warn":
        leaks.to_csv(job.output / outputs.LEAKING, index=False, lineterminator="\n")
    if shown:
        (job.output / PICTURE).write_bytes(shown)
    summary = f"{len(leaks)} leaks; {counts['train_baseline']} and {counts['train_augmented']} training images traced"
    if not len(leaks):
        return summary
    return f"{summary}. WARNING: {some(leaking.sentences(leaks))}: see {outputs.LEAKING} and {PICTURE}"
