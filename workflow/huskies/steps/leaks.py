"""leaks: the gate before any number. No training image may be, come from, or look like what is held out.

Every row that a head was trained on is traced to its source, and every held-out image is compared with the training
images nearest to it, by the user's own backbone and by pixels. Of test images, labels are never used.
"""

import json
from collections.abc import Collection
from pathlib import Path

import numpy as np
import pandas as pd

from huskies import atomic, outputs
from huskies.backbone import identity
from huskies.backbone.features import Rows, load_features
from huskies.errors import HuskyError, some
from huskies.images import contact_sheet, manifest, pairs
from huskies.job import Job
from huskies.near_duplicates import candidates, comparison, remembered
from huskies.progress import bar

PICTURE = "pairs.png"
COLUMNS = ["file", "held_out", "reason", "similarity"]

# Training images that each held-out image is compared with.
_NEAREST = 3
# Pairs in the picture, at most, and the side of an image in pixels.
_SHOWN, _SIDE = 20, 128
_SAID = {
    "unknown": "descends from no image of the split",
    "itself": "is itself held out",
    "descent": "descends from {held_out}",
    "group": "is in one group with {held_out}",
    "bytes": "has the bytes of {held_out}",
    "near-duplicate": "is a near-duplicate of {held_out} ({similarity})",
}


def find_leaks(trained: pd.DataFrame, originals: pd.DataFrame, copies: pd.DataFrame) -> pd.DataFrame:
    """Return COLUMNS for each training row that must not have been trained on, in the order of the rows.

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
    return pd.DataFrame([(*leak, "") for leak in leaks], columns=COLUMNS, dtype=str)


def find_near(
    folder: Path,
    held_out: pd.DataFrame,
    trained: pd.DataFrame,
    features: tuple[np.ndarray | Rows, np.ndarray | Rows],
    cores: int,
    different: Collection[pairs.Pair] = (),
) -> pd.DataFrame:
    """Return COLUMNS for each training image that is a near-duplicate of a held-out one, whatever their groups.

    folder: data/split. held_out: columns file, sha256. trained: columns file, sha256 of the original that each
    training row descends from. features: float32, of the rows of both. Compared are the originals that a held-out
    image's nearest rows by features, copies included, descend from, and its nearest originals by coarse pixels, for
    few backbones take a turned image for what it was. different: the sha256 of pairs that are no near-duplicates.
    """
    if not len(trained) or not len(held_out):
        return pd.DataFrame(columns=COLUMNS, dtype=str)
    originals = trained.drop_duplicates("file").reset_index(drop=True)
    number_of = dict(zip(originals["file"], originals.index, strict=True))
    nearest = candidates.nearest_sources(*features, trained["file"].map(number_of).to_numpy(), _NEAREST, cores)
    everything = pd.concat([held_out, originals], ignore_index=True)
    files = [(folder / row.file, row.sha256) for row in everything.itertuples()]
    thumbnails = comparison.thumbnails(files, cores)
    halves = thumbnails[: len(held_out)], thumbnails[len(held_out) :]
    across = candidates.nearest_across(*halves, _NEAREST, cores)
    back = candidates.nearest_across(*reversed(halves), _NEAREST, cores)
    near = {(one, int(other)) for rows in (nearest, across) for one, found in enumerate(rows) for other in found}
    near |= {(int(one), other) for other, found in enumerate(back) for one in found}
    # Which comes first is by sha256, as in the stage group: what was compared there has the same outcome here.
    sha256 = everything["sha256"].to_list()
    likely = [tuple(sorted((one, len(held_out) + other), key=sha256.__getitem__)) for one, other in sorted(near)]
    likely = [pair for pair in likely if tuple(sha256[each] for each in pair) not in different]
    compared = bar(remembered.compare_all(files, thumbnails, likely, cores), len(likely), "leaks", unit=" pairs")
    leaks = [
        (everything["file"][max(pair)], everything["file"][min(pair)], "near-duplicate", f"{similarity:.4f}")
        for pair, similarity in zip(likely, compared, strict=True)
        if similarity
    ]
    return pd.DataFrame(sorted(leaks), columns=COLUMNS, dtype=str)


def sentences(leaks: pd.DataFrame) -> list[str]:
    """Return what is wrong with each leak, as one would say it."""
    return [f"{leak['file']} {_SAID[leak['reason']].format(**leak)}" for leak in leaks.to_dict("records")]


def draw(leaks: pd.DataFrame, folders: list[Path]) -> bytes:
    """Return the first pairs as a PNG: the training image, the held-out one, and why at their left.

    folders: where the files are, in the order of looking. What is in none of them is left grey.
    """

    def picture(file: str) -> contact_sheet.Picture:
        found = [folder / file for folder in folders if file and (folder / file).is_file()]
        return contact_sheet.Picture("", found[0].read_bytes() if found else None)

    rows = [
        contact_sheet.Row(
            "\n".join([leak.file, leak.held_out, f"{leak.reason} {leak.similarity}"]),
            [picture(leak.file), picture(leak.held_out)],
        )
        for leak in leaks.head(_SHOWN).itertuples()
    ]
    return contact_sheet.draw(rows, _SIDE)


def compare_features(job: Job, originals: pd.DataFrame, copies: pd.DataFrame) -> pd.DataFrame:
    """Return `find_near` for the bottlenecks of the stages above. originals, copies: manifests, labels not needed."""
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
    said = pairs.read() if str(pairs.PATH) in job.files else pairs.Said()
    different = pairs.by_content(said.different, originals)
    return find_near(job.inputs["split"], held_out, trained, features, job.cores, different)


def leave_pairs(leaks: pd.DataFrame, originals: pd.DataFrame) -> None:
    """Write the raw names of the near-duplicates where `python -m huskies pairs` looks for them."""
    source_of = dict(zip(originals["file"], originals["source"], strict=True))
    near = leaks[leaks["reason"] == "near-duplicate"]
    pairs.leave((source_of[row.file], source_of[row.held_out]) for row in near.itertuples())


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
    leave_pairs(leaks, originals)
    shown = draw(leaks, [job.inputs["split"], job.inputs["augment"]]) if len(leaks) else None
    if len(leaks) and action == "fail":
        path = Path("logs", f"{job.stage}.png")
        path.parent.mkdir(exist_ok=True)
        atomic.write(path, shown)
        raise HuskyError(_refusal(job, leaks, path))
    counts = {stage: len(rows) for stage, rows in trained.items()}
    written = {"leaks": len(leaks), "action": action, "traced": counts}
    (job.output / outputs.LEAKS).write_text(json.dumps(written, indent=1) + "\n")
    if action == "warn":
        leaks.to_csv(job.output / outputs.LEAKING, index=False, lineterminator="\n")
    if shown:
        (job.output / PICTURE).write_bytes(shown)
    summary = f"{len(leaks)} leaks; {counts['train_baseline']} and {counts['train_augmented']} training images traced"
    return summary + (f". WARNING: {some(sentences(leaks))}: see {outputs.LEAKING} and {PICTURE}" if len(leaks) else "")


def _refusal(job: Job, leaks: pd.DataFrame, shown: Path) -> str:
    fixes = []
    if (leaks["reason"] != "near-duplicate").any():
        fixes.append(f"Delete {job.inputs['split']} and {job.inputs['augment']}, and run again.")
    if (leaks["reason"] == "near-duplicate").any():
        fixes.append(
            f"If these near-duplicates are different things, say so: python -m huskies pairs {pairs.DIFFERENT}. "
            f"If they are the same, keep them together: python -m huskies pairs {pairs.SAME}. Either adds the pairs "
            f"that were found to {pairs.PATH}, where you can correct them one by one. Then run again."
        )
    return (
        f"{len(leaks)} training images leak from what is held out: {some(sentences(leaks))}. "
        f"They are shown in {shown}. No number is reported. {' '.join(fixes)}"
    )
