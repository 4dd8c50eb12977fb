"""How much an accuracy flatters that is counted on the very images that chose the step, or the best of settings."""

import numpy as np

FOLDS = 10
DRAWS = 10_000


def nested_accuracy(right: np.ndarray, cross_entropy: np.ndarray, sha256: np.ndarray) -> float:
    """Return the accuracy on images that had no part in the choice of the step: cross-fitting (Stone 1974).

    right, cross_entropy: bool and float32, points of the history × images. sha256: one text for each image. The
    step is chosen by cross-entropy on all folds but one, as the training chooses it on all images, and scored on
    that one. Folds follow the order of the digests, so neither names nor listing matter, and equal images share one.
    """
    hits = 0
    for digests in np.array_split(np.unique(sha256), FOLDS):
        held_out = np.isin(sha256, digests)
        chosen = cross_entropy[:, ~held_out].sum(axis=1, dtype=np.float64).argmin()
        hits += int(right[chosen, held_out].sum())
    return hits / len(sha256)


def chance_leads(right: np.ndarray) -> np.ndarray:
    """Return by how much the best setting leads the mean in DRAWS worlds where only chance tells settings apart.

    right: bool, settings × images; or int, how often each setting is right on an image that several splits hold out,
    and leads are then in answers an image. In each world, who is right on an image and who is wrong is dealt anew
    among the settings, image by image (a permutation test): so many are right on each image as truly are, and the
    settings agree as far as hard and easy images make them. The seed is fixed.
    """
    random = np.random.default_rng(0)
    settings, images = right.shape
    agreed = (right == right[0]).all(axis=0)
    disputed = right[:, ~agreed]
    best = [random.permuted(disputed, axis=0).sum(axis=1).max() for _ in range(DRAWS)]
    return (np.array(best) + right[0, agreed].sum() - right.sum() / settings) / images
