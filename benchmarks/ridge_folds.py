"""A classifier so cheap that thousands of sets are cross-validated in minutes, asked out of folds as the product's is.

It is ridge regression on the classes' indicators. Photos are taken out of it by taking their part out of two sums of
products, so that no row is gone through twice. Its gains are not those of the product's head.
"""

import itertools

import numpy as np
from small_sets import Random, SmallSet

# The penalty, as a share of the mean square of a feature.
PENALTY = 0.02

# Products of rows with rows, heads × D × D, and of rows with indicators, heads × D × classes; heads: without and with
# copies.
Sums = tuple[np.ndarray, np.ndarray]


def sums(drawn: SmallSet, photos: np.ndarray) -> Sums:
    """Return what the rows of these photos add to both heads."""
    originals, copied = drawn.originals[photos], drawn.copied[photos]
    indicators = np.eye(drawn.labels.max() + 1)[drawn.labels[photos]]
    flat = copied.reshape(-1, originals.shape[1])
    products, targets = originals.T @ originals, originals.T @ indicators
    return np.stack([products, products + flat.T @ flat]), np.stack(
        [targets, targets + copied.sum(axis=1).T @ indicators]
    )


def heads(kept: Sums, share: float = PENALTY) -> np.ndarray:
    """Return the weights, heads × D × classes, of what was trained on the rows of these sums; share: as PENALTY."""
    products, targets = kept
    features = products.shape[1] - 1
    penalty = np.repeat(share * np.trace(products, axis1=1, axis2=2)[:, None] / features, features + 1, axis=1)
    # The constant has none, but for what keeps the matrix invertible.
    penalty[:, -1] = 1e-9
    return np.linalg.solve(products + penalty[:, None] * np.eye(features + 1), targets)


def left(whole: Sums, *taken: Sums) -> Sums:
    """Return the sums of what is left of the whole."""
    return whole[0] - sum(each[0] for each in taken), whole[1] - sum(each[1] for each in taken)


def right(weights: np.ndarray, rows: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return bool, heads × rows: whether each head is right about each row."""
    return (rows @ weights).argmax(axis=-1) == labels


def assign(random: Random, labels: np.ndarray, groups: np.ndarray, folds: int) -> np.ndarray:
    """Return the fold of each photo, int from 0, as huskies.images.folds does: by groups, no class missing in a fold.

    groups: int from 0, each of one class. A class that would be missing in a fold is given its lowest-placed group that
    can be spared.
    """
    place = random.random(groups.max() + 1)
    fold_of = (place * folds).astype(int)
    for label in range(labels.max() + 1):
        members = np.unique(groups[labels == label])
        members = members[place[members].argsort()]
        counts = np.bincount(fold_of[members], minlength=folds)
        for missing in np.flatnonzero(counts == 0):
            spared = next(each for each in members if counts[fold_of[each]] > 1)
            counts[fold_of[spared]] -= 1
            fold_of[spared], counts[missing] = missing, 1
    return fold_of[groups]


def out_of_fold(
    drawn: SmallSet, whole: Sums, parts: list[Sums], fold_of: np.ndarray
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return (bool, heads × photos: right without its fold or not; the weights without each fold).

    whole, parts: the sums of all photos, and of those of each fold.
    """
    weights = [heads(left(whole, part)) for part in parts]
    answers = np.empty((2, len(fold_of)), bool)
    for fold, each in enumerate(weights):
        asked = fold_of == fold
        answers[:, asked] = right(each, drawn.originals[asked], drawn.labels[asked])
    return answers, weights


def without_two_folds(drawn: SmallSet, whole: Sums, parts: list[Sums], fold_of: np.ndarray) -> np.ndarray:
    """Return the gain of each photo out of its own and another fold, float, folds × photos; NaN where they are one."""
    gains = np.full((len(parts), len(fold_of)), np.nan)
    for pair in itertools.combinations(range(len(parts)), 2):
        weights = heads(left(whole, *(parts[each] for each in pair)))
        for other, fold in (pair, pair[::-1]):
            asked = fold_of == fold
            before, after = right(weights, drawn.originals[asked], drawn.labels[asked]).astype(float)
            gains[other, asked] = after - before
    return gains
