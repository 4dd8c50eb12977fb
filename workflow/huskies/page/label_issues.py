"""Which labels look wrong, and which images there are more than once: what is worth a look before any training.

All of it is about originals of train and val; whoever hands in test images is refused.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from huskies.images import manifest
from huskies.near_duplicates import candidates, unit_vectors
from huskies.page import mistakes

# More than these nobody looks through.
LIMIT = 20
# Neighbours that have a vote.
_NEAREST = 5
_CHUNK = 256


def suspects(images: pd.DataFrame, features: np.ndarray) -> pd.DataFrame:
    """Return columns file, label, suggested, score, reason for the images whose neighbours have another label.

    Wilson's rule (1972, IEEE Transactions on Systems, Man, and Cybernetics 2: 408-421): a label is suspected if the
    five nearest images vote for another one. A vote weighs as much as the cosine of the bottlenecks, whose every
    feature has mean 0 and spread 1, and images of the own group have none: a copy is no second opinion. The score is
    by how much of all votes the suggested label is ahead; the highest come first. Most of what is found is merely hard.
    Confident learning (Northcutt et al. 2021, JAIR 70: 1373-1411) on the same votes is right about more, and misses
    more.
    images: rows of data/split/manifest.csv, of train and val. features: float32, their bottlenecks, N × D. Raises
    HuskyError for rows of test.
    """
    mistakes.refuse_test_images(images)
    images = images.reset_index(drop=True)
    labels, names = pd.factorize(images["label"], sort=True)
    nearest, weights = _nearest_others(images["group"], features)
    votes = np.zeros((len(images), len(names)))
    for others, weight in zip(nearest.T, weights.T, strict=True):
        votes[range(len(images)), labels[others]] += weight
    suggested = names[votes.argmax(axis=1)]
    lead = votes.max(axis=1) - votes[range(len(images)), labels]
    score = (lead / np.where(lead > 0, votes.sum(axis=1), 1)).round(4)
    frame = images[["file", "label"]].assign(suggested=suggested, score=score)
    frame["reason"] = [
        _reason(list(names[labels[others[weight > 0]]]), row.label, row.suggested)
        for row, others, weight in zip(frame.itertuples(), nearest, weights, strict=True)
    ]
    frame = frame[frame["score"] > 0]
    return frame.sort_values(["score", "file"], ascending=[False, True], ignore_index=True)


def doubted(images: pd.DataFrame, features: np.ndarray, probabilities: np.ndarray) -> pd.DataFrame:
    """Return columns file, label, suggested, score, reason for the images whose label looks wrong in two ways.

    The neighbours have another label (`suspects`), and heads that were trained without the image take it for another
    class, the suggested one. Each way alone lists half as many again, and finds hardly more of what is wrong;
    docs/cross_validation.md counts it beside confident learning. The score is the mean of the neighbours' lead
    and of the head's, the probability of the suggested class less that of the label; the highest come first.
    images, features: as for `suspects`. probabilities: float, images × classes in the order of their names, out of
    fold.
    """
    found = suspects(images, features)
    names = np.unique(images["label"])
    number = images.reset_index(drop=True).set_index("file").index.get_indexer(found["file"])
    own = np.searchsorted(names, found["label"].to_numpy(dtype=names.dtype))
    of_image = probabilities[number]
    taken_for, rows = of_image.argmax(axis=1), np.arange(len(found))
    lead = of_image[rows, taken_for] - of_image[rows, own]
    shares = of_image[rows, taken_for]
    found["score"] = ((found["score"] + lead) / 2).round(4)
    found["suggested"] = names[taken_for]
    found["reason"] = [
        f"held out, it is taken for '{name}' ({share:.0%}); {reason}"
        for name, share, reason in zip(found["suggested"], shares, found["reason"], strict=True)
    ]
    found = found[taken_for != own]
    return found.sort_values(["score", "file"], ascending=[False, True], ignore_index=True)


def to_correct(found: pd.DataFrame, images: pd.DataFrame) -> pd.DataFrame:
    """Return what `doubted` found in the form of corrections.csv: columns file, label, labelled, score, reason, image.

    file: the name of the raw photo. label: the suggested one. labelled: the one that it has. image: the file in
    data/split. images: rows of its manifest, with the column source.
    """
    source = dict(zip(images["file"], images["source"], strict=True))
    renamed = found.rename(columns={"label": "labelled", "suggested": "label", "file": "image"})
    renamed["file"] = renamed["image"].map(source)
    return renamed[["file", "label", "labelled", "score", "reason", "image"]]


def shown(path: Path) -> pd.DataFrame:
    """Return the first LIMIT rows that `to_correct` has left in a CSV, with the columns of `doubted`."""
    rows = manifest.read(path).head(LIMIT).drop(columns="file")
    rows = rows.rename(columns={"image": "file", "label": "suggested", "labelled": "label"})
    return rows.assign(score=rows["score"].astype(float))


def _nearest_others(groups: pd.Series, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (rows of the nearest images of other groups, weights of their votes, 0 or more), N × _NEAREST or fewer."""
    own = pd.factorize(groups)[0]
    vectors = unit_vectors.comparable(features)
    nearest, weights = [], []
    for start in range(0, len(vectors), _CHUNK):
        chunk = slice(start, start + _CHUNK)
        products = vectors[chunk] @ vectors.T
        products[own[chunk, None] == own] = 0
        nearest.append(candidates.descending(products, _NEAREST))
        closest = np.take_along_axis(products, nearest[-1], axis=1)
        weights.append(np.maximum(closest, 0))
    return np.concatenate(nearest), np.concatenate(weights)


def _reason(nearest: list[str], label: str, suggested: str) -> str:
    own, other = nearest.count(label), nearest.count(suggested)
    least = "none is" if not own else f"{own} {'is' if own == 1 else 'are'}"
    further = ", less like it" if own >= other else ""
    return f"{other} of its {len(nearest)} nearest images are '{suggested}', {least} '{label}'{further}"


def duplicates(images: pd.DataFrame, groups: pd.DataFrame) -> pd.DataFrame:
    """Return columns group, file, label, split, reasons for the images that are not alone in their group.

    Images that the user's column alone has put there are left out: they belong together, and are no duplicates.
    images: rows of data/split/manifest.csv, of train and val. groups: data/group/groups.csv, which gives the reasons
    for files as they were named before the split. Raises HuskyError for rows of test.
    """
    mistakes.refuse_test_images(images)
    reasons = dict(zip(groups["file"], groups["reasons"], strict=True))
    found = images[images["group"].duplicated(keep=False)].sort_values(["group", "file"], ignore_index=True)
    before = [file.replace(f"/{split}_", "/", 1) for file, split in zip(found["file"], found["split"], strict=True)]
    found = found[["group", "file", "label", "split"]].assign(reasons=[reasons[file] for file in before])
    found = found[found["reasons"] != "column"]
    return found[found["group"].duplicated(keep=False)].reset_index(drop=True)


def contradictions(conflicts: pd.DataFrame, near: pd.DataFrame) -> pd.DataFrame:
    """Return columns file, label, other, other_label, similarity for each two copies of one image under two labels.

    conflicts, near: data/group/conflicts.csv, whose images are in no split, and near.csv. The similarity is 1 for exact
    copies, else as in near.csv.
    """
    sha256_of = dict(zip(conflicts["file"], conflicts["sha256"], strict=True))
    alike = {(sha256, sha256): 1.0 for sha256 in sha256_of.values()}
    for row in near.itertuples():
        if row.file in sha256_of and row.other in sha256_of:
            pair = sha256_of[row.file], sha256_of[row.other]
            alike[pair] = alike[pair[::-1]] = float(row.similarity)
    holders = {sha256: list(rows.itertuples()) for sha256, rows in conflicts.groupby("sha256")}
    pairs = [
        (one.file, one.label, other.file, other.label, similarity)
        for (left, right), similarity in alike.items()
        for one in holders[left]
        for other in holders[right]
        if one.file < other.file and one.label != other.label
    ]
    return pd.DataFrame(sorted(pairs), columns=["file", "label", "other", "other_label", "similarity"])
