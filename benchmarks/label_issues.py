"""Which list of suspicious labels is worth looking through: wrong labels are planted, and counted among those listed.

Run in the project's folder: `PYTHONPATH=workflow HUSKIES_SHARED=… KERAS_HOME=… .venv/bin/python
benchmarks/label_issues.py`, as benchmarks/cross_validation.py. It prints the table of docs/cross_validation.md.
"""

import argparse
import tempfile
from pathlib import Path

import feature_pools
import numpy as np
import pandas as pd
from huskies.images import folds
from huskies.page import label_issues
from huskies.planning import params
from huskies.training import out_of_fold

SETS = ("digits", "flowers", "products")
SHARES = (0.02, 0.05, 0.1)
SEEDS = range(5)
# Photos of each class, at most; the sample has about as many.
PER_CLASS = 40
FOLDS, REPEATS, STEPS = 5, 2, 500


def plant(labels: np.ndarray, share: float, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return (labels, int, of which a share is wrong; which ones, bool)."""
    wrong = np.zeros(len(labels), bool)
    wrong[random.permutation(len(labels))[: round(share * len(labels))]] = True
    classes = labels.max() + 1
    shifted = (labels + random.integers(1, classes, len(labels))) % classes
    return np.where(wrong, shifted, labels), wrong


def confident(images: pd.DataFrame, probabilities: np.ndarray) -> list[int]:
    """Return the rows that confident learning lists, the surest first (Northcutt et al. 2021, JAIR 70: 1373-1411).

    An image counts for the class of highest probability among those that reach the mean probability of the images that
    have their label; it is listed where that class is not its label. The order is by the probability of the label less
    the highest other one.
    """
    labels, margin = margins(images, probabilities)
    reached = np.array([probabilities[labels == each, each].mean() for each in range(probabilities.shape[1])])
    above = np.where(probabilities >= reached, probabilities, -1)
    listed = (above.max(axis=1) >= 0) & (above.argmax(axis=1) != labels)
    return [row for row in np.argsort(margin, kind="stable") if listed[row]]


def held_out(images: pd.DataFrame, probabilities: np.ndarray) -> list[int]:
    """Return the rows that a head takes for another class out of their fold, the surest first."""
    _, margin = margins(images, probabilities)
    return [row for row in np.argsort(margin, kind="stable") if margin[row] < 0]


def margins(images: pd.DataFrame, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (number of each label, the label's probability less the highest other one)."""
    labels = pd.factorize(images["label"], sort=True)[0]
    own = np.eye(probabilities.shape[1], dtype=bool)[labels]
    return labels, probabilities[own] - np.where(own, -1, probabilities).max(axis=1)


def lists(images: pd.DataFrame, features: np.ndarray, probabilities: np.ndarray) -> dict[str, list[int]]:
    """Return the rows that each way lists, the most suspicious first."""
    number = {file: row for row, file in enumerate(images["file"])}

    def rows(found: pd.DataFrame) -> list[int]:
        return [number[file] for file in found["file"]]

    return {
        "nearest neighbours": rows(label_issues.suspects(images, features)),
        "confident learning": confident(images, probabilities),
        "heads out of fold": held_out(images, probabilities),
        "neighbours and heads agree": rows(label_issues.doubted(images, features, probabilities)),
    }


def probabilities_of(images: pd.DataFrame, features: np.ndarray, train: dict) -> np.ndarray:
    """Return the mean out-of-fold probabilities of the baseline head, float, images × classes."""
    labels = pd.factorize(images["label"], sort=True)[0]
    fold_of = np.stack([folds.assign(images, FOLDS, repeat, seed=1) for repeat in range(REPEATS)])
    source = np.arange(len(images))
    asked = out_of_fold.predict([features], labels, source, fold_of, train, feature_pools.CORES, "heads")
    return np.mean(list(asked)[::2], axis=0).astype(float)


def scores(listed: list[int], wrong: np.ndarray) -> list[float]:
    """Return precision among the first 20, recall among as many as are wrong, recall of all, and how many there are."""
    first, as_many = wrong[listed[:20]], wrong[listed[: wrong.sum()]]
    planted = wrong.sum()
    return [first.mean() if len(first) else 0.0, as_many.sum() / planted, wrong[listed].sum() / planted, len(listed)]


def measure(name: str, share: float, kept: Path, train: dict) -> dict[str, np.ndarray]:
    """Return the mean `scores` of each way over SEEDS, for a share of wrong labels in photos of a set."""
    pool = feature_pools.pool(name, kept)
    found: dict[str, list[list[float]]] = {}
    for seed in SEEDS:
        random = np.random.default_rng(seed)
        by_class = [np.flatnonzero(pool.labels == label) for label in np.unique(pool.labels)]
        chosen = np.concatenate([random.permutation(each)[:PER_CLASS] for each in by_class])
        given, wrong = plant(pool.labels[chosen], share, random)
        images = pd.DataFrame({"label": given.astype(str), "group": chosen.astype(str), "split": "train"})
        images["file"] = images["group"]
        features = pool.originals[chosen]
        for way, listed in lists(images, features, probabilities_of(images, features, train)).items():
            found.setdefault(way, []).append(scores(listed, wrong))
    return {way: np.mean(each, axis=0) for way, each in found.items()}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pools", type=Path, default=None, help="the folder that keeps features")
    kept = parser.parse_args().pools or Path(tempfile.mkdtemp())
    train = {**params.load()["train"], "steps": STEPS}
    print("| photos | wrong labels | way | right among the first 20 | found among as many | found in all | listed |")
    print("|---|---|---|---|---|---|---|")
    for name in SETS:
        for share in SHARES:
            for way, (first, as_many, all_of_them, listed) in measure(name, share, kept, train).items():
                numbers = f"{first:.0%} | {as_many:.0%} | {all_of_them:.0%} | {listed:.0f}"
                print(f"| {name} | {share:.0%} | {way} | {numbers} |", flush=True)


if __name__ == "__main__":
    main()
