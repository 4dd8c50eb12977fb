"""How far a photo is from everything that was trained on: four scores, their thresholds, and what these let through.

The scores of one's own photos are those of heads that were trained without them. What the thresholds are worth is
measured by leaving out each class in turn: its photos are strangers to whatever was trained without it.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special

from huskies.backbone.features import Rows
from huskies.model import classifier
from huskies.model.classifier import Classifier
from huskies.model.neighbours import Neighbours, directions
from huskies.training import regularisation, scatter

Known = tuple[Classifier, Neighbours]


def _farthest(known: Known, features: np.ndarray) -> np.ndarray:
    return known[1].nearest(features)[1][:, 0]


def _mahalanobis(known: Known, features: np.ndarray) -> np.ndarray:
    return known[0].distances(features)


def _unsure(known: Known, features: np.ndarray) -> np.ndarray:
    return 1 - special.softmax(known[0].logits(features), axis=1).max(axis=1)


def _energy(known: Known, features: np.ndarray) -> np.ndarray:
    return -special.logsumexp(known[0].logits(features), axis=1)


# Each gives a score of bottlenecks, float64 N, that is higher for what is farther away. `neighbours` is the distance to
# the nearest bottleneck (Sun et al. 2022, arXiv:2204.06507), `mahalanobis` the one to the nearest class among the
# discriminants (Lee et al. 2018, arXiv:1807.03888), `probability` how little sure the answer is (Hendrycks and Gimpel
# 2017, arXiv:1610.02136), `energy` that of the logits (Liu et al. 2020, arXiv:2010.03759).
METHODS: dict[str, Callable[[Known, np.ndarray], np.ndarray]] = {
    "neighbours": _farthest,
    "mahalanobis": _mahalanobis,
    "probability": _unsure,
    "energy": _energy,
}


def scores(known: Known, features: np.ndarray) -> dict[str, np.ndarray]:
    """Return the scores of bottlenecks, float32 N × D, by each method, float64 N."""
    return {name: method(known, features) for name, method in METHODS.items()}


def threshold(own: np.ndarray, accept: float) -> float:
    """Return the score up to which a photo is accepted: the least that keeps at least `accept` of one's own photos."""
    return float(np.quantile(own, accept, method="inverted_cdf"))


def left_out(
    features: Rows, labels: np.ndarray, fold: np.ndarray, parameters: dict[str, Any], accept: float
) -> list[dict[str, Any]]:
    """Return for each class what the methods let through of its photos when nothing was trained on them.

    features, labels: float32 N × D and int N, of images alone. fold: int, of each. parameters: the section `train`,
    with nothing left to be chosen. Without a class and without one fold, a softmax regression is trained, the optimum
    that a head's steps approach; the photos of that fold set the threshold. An entry has the keys class (its number)
    and photos, and by method the share of them that is accepted. With two classes there is nothing to tell apart.
    """
    classes, folds = int(labels.max()) + 1, int(fold.max()) + 1
    if classes < 3:
        return []
    own: dict[str, list[np.ndarray]] = {name: [] for name in METHODS}
    strangers = []
    for number in range(classes):
        held_out = fold == number % folds
        trained = np.flatnonzero(~held_out & (labels != number))
        known = _without(features, labels, trained, parameters)
        for name, found in scores(known, features[np.flatnonzero(held_out & (labels != number))]).items():
            own[name].append(found)
        strangers.append(scores(known, features[np.flatnonzero(labels == number)]))
    thresholds = {name: threshold(np.concatenate(each), accept) for name, each in own.items()}
    return [
        {
            "class": number,
            "photos": int((labels == number).sum()),
            **{name: round(float((found[name] <= thresholds[name]).mean()), 6) for name in METHODS},
        }
        for number, found in enumerate(strangers)
    ]


def _without(features: Rows, labels: np.ndarray, trained: np.ndarray, parameters: dict[str, Any]) -> Known:
    """Return what is known to a softmax regression on some rows; their classes are numbered anew."""
    _, targets = np.unique(labels[trained], return_inverse=True)
    rows = features.only(trained)
    known = scatter.of(rows, targets, int(targets.max()) + 1)
    kernel, bias = regularisation.linear(rows, known, parameters)
    scaled = (rows[:] @ kernel if kernel.ndim == 2 else rows[:] * kernel) + bias
    weights = regularisation.softmax_regression(scaled, targets, parameters)
    return classifier.of_head((weights[:-1], weights[-1]), (rows, targets), parameters), Neighbours(directions(rows))
