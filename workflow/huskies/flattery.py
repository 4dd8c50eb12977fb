"""How much an accuracy flatters that is counted on the very images on which the step to keep was chosen."""

import numpy as np

FOLDS = 10


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
