"""What `auto` stands for in the section `train`: the scaling, the shrinkage and the penalty that held-out rows favour.

Each head chooses for itself, by its own training images alone, in folds that keep groups and copies together, so that
neither of two heads is compared at the optimum of the other. Candidates are compared by softmax regression, the optimum
that the head's steps approach, and by the cross-entropy of its answers once one factor has set how sure they are: that
uses more of few images than counting mistakes, and what a penalty does to sureness alone does not count.
"""

import functools
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import optimize, special

from huskies.backbone.features import Rows
from huskies.errors import HuskyError
from huskies.images import places
from huskies.training import discriminants, scaling, scatter
from huskies.training.scatter import Scatter

AUTO = "auto"
# The first of each is what is taken where there are too few images to choose by.
GRID = {"scaling": ("discriminants", "standardise"), "shrinkage": (0.3, 0.1, 0.03, 0.6), "l2": (0.01, 0.1, 0.001)}
FOLDS = 5


def candidates(parameters: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the section `train` with each combination of what `auto` may stand for; one where nothing is left open."""
    values = [GRID[key] if parameters[key] == AUTO else (parameters[key],) for key in GRID]
    combined = [dict(zip(GRID, each, strict=True)) for each in itertools.product(*values)]
    # Features that are standardised are not shrunk.
    first = combined[0]["shrinkage"]
    kept = [each for each in combined if each["scaling"] != "standardise" or each["shrinkage"] == first]
    return [{**parameters, **each} for each in kept]


def choose(
    train: tuple[Rows, np.ndarray], rows: pd.DataFrame, widths: Sequence[int] | None, parameters: dict[str, Any]
) -> dict[str, Any]:
    """Return the section `train` with `auto` replaced by what the training rows favour, and with the widths.

    train: float32 features N × D, and int labels N. rows: their columns group, which no fold divides, and copy: copies
    are trained on and never asked. widths: how many features are of each layer, None for one. parameters: the section.
    """
    groups, numbers = np.unique(rows["group"], return_inverse=True)
    fold = np.array([int(places.position("regularisation", each) * FOLDS) for each in groups], int)
    return choose_by(train, fold[numbers], (rows["copy"] == "").to_numpy(), {**parameters, "widths": widths})


def choose_by(
    train: tuple[Rows, np.ndarray], fold: np.ndarray, asked: np.ndarray, parameters: dict[str, Any]
) -> dict[str, Any]:
    """Return the section `train` with `auto` replaced by what the training rows favour.

    train: as for `choose`. fold: int, of each row. asked: bool, the rows that are no copies.
    """
    possible = candidates(parameters)
    if len(possible) == 1:
        return possible[0]
    features, labels = train
    classes = int(labels.max()) + 1
    scores = np.full((len(possible), len(labels), classes), np.nan)
    parts = [np.flatnonzero(fold == each) for each in np.unique(fold)]

    @functools.cache
    def scatters() -> tuple[list[Scatter], Scatter]:
        own = [scatter.of(features.only(part), labels[part], classes) for part in parts]
        return own, sum(own[1:], own[0])

    def of_others(number: int) -> Scatter:
        own, whole = scatters()
        return whole - own[number]

    for number, part in enumerate(parts):
        held_out = part[asked[part]]
        others = np.setdiff1d(np.arange(len(labels)), part)
        of_trained = functools.partial(of_others, number)
        scores[:, held_out] = ask(features, labels, others, held_out, of_trained, possible)
    return best(possible, scores[:, asked], labels[asked])


def ask(
    features: Rows,
    labels: np.ndarray,
    trained: np.ndarray,
    asked: np.ndarray,
    of_trained: Callable[[], Scatter],
    possible: list[dict[str, Any]],
) -> np.ndarray:
    """Return the logits of asked rows by each candidate, candidates × asked × classes; NaN where a class is missing.

    features, labels: float32 N × D, and int N. trained, asked: which of them. of_trained: gives the scatter of the
    former, and is called where that is quicker than to go by the rows.
    """
    classes, targets = int(labels.max()) + 1, labels[trained]
    scores = np.full((len(possible), len(asked), classes), np.nan)
    if len(np.unique(targets)) < classes or not len(asked):
        return scores
    rows, held_out, widths = features[trained], features[asked], possible[0].get("widths")

    @functools.cache
    def reduced() -> discriminants.OfRows | discriminants.OfScatter:
        if discriminants.few(*rows.shape):
            return discriminants.OfRows(rows, targets, classes, widths)
        return discriminants.OfScatter(of_trained(), widths)

    for (how, shrinkage), same in itertools.groupby(range(len(possible)), lambda each: _key(possible[each])):
        kernel, bias = _standardised(rows) if how == "standardise" else reduced().at(shrinkage)
        scaled, scaled_held_out = (_scaled(each, kernel, bias) for each in (rows, held_out))
        for number in same:
            weights = softmax_regression(scaled, targets, possible[number])
            scores[number] = scaled_held_out @ weights[:-1] + weights[-1]
    return scores


def best(possible: list[dict[str, Any]], scores: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
    """Return the candidate whose logits, candidates × N × classes, come nearest to int labels, N; rows of NaN are out.

    Of equal ones, and where no row was asked, it is the first.
    """
    known = np.isfinite(scores).all(axis=(0, 2))
    if not known.any():
        return possible[0]
    return possible[int(np.argmin([_cross_entropy(each[known], labels[known]) for each in scores]))]


def chosen(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return the scaling, the shrinkage and the penalty of a head; features that are standardised are not shrunk."""
    return {key: parameters[key] for key in GRID if key != "shrinkage" or parameters["scaling"] != "standardise"}


def _key(parameters: dict[str, Any]) -> tuple:
    return parameters["scaling"], parameters["shrinkage"]


def _standardised(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what standardises rows, as the head does: a factor of each feature, D, and what is added, D."""
    moments = scaling.moments(rows)
    factor = 1 / np.sqrt(moments["variance"])
    return factor, -moments["mean"] * factor


def linear(rows: np.ndarray, of_rows: Scatter, parameters: dict[str, Any]) -> discriminants.Linear:
    """Return what the head's first layer does, as (factor of each feature, D, or kernel, D × K; what is added).

    rows: float32, N × D. of_rows: their scatter. parameters: the section `train`, with nothing left to be chosen.
    """
    if parameters["scaling"] == "standardise":
        return _standardised(rows)
    return discriminants.OfScatter(of_rows, parameters.get("widths")).at(parameters["shrinkage"])


def _scaled(rows: np.ndarray, kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
    return (rows @ kernel if kernel.ndim == 2 else rows * kernel) + bias


def softmax_regression(rows: np.ndarray, labels: np.ndarray, parameters: dict[str, Any]) -> np.ndarray:
    """Return the weights of least loss, as the head has it, float64, (D + 1) × classes; the last row is the bias."""
    classes = int(labels.max()) + 1
    counts = np.bincount(labels, minlength=classes)
    weight = 1 / (classes * counts[labels]) if parameters["class_balanced"] else np.full(len(labels), 1 / len(labels))
    target = np.zeros((len(labels), classes))
    target[np.arange(len(labels)), labels] = 1
    shape = rows.shape[1] + 1, classes

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        weights = flat.reshape(shape)
        logarithms = special.log_softmax(rows @ weights[:-1] + weights[-1], axis=1)
        error = (np.exp(logarithms) - target) * weight[:, None]
        slope = np.concatenate([rows.T @ error + 2 * parameters["l2"] * weights[:-1], error.sum(axis=0)[None]])
        penalty = parameters["l2"] * (weights[:-1] ** 2).sum()
        return penalty - (logarithms[target > 0] * weight).sum(), slope.ravel()

    found = optimize.minimize(
        loss, np.zeros(shape[0] * shape[1]), jac=True, method="L-BFGS-B", options={"maxiter": 200}
    )
    if not np.isfinite(found.x).all():
        raise HuskyError("no regularisation can be chosen: the features are too large. Choose another backbone.")
    return found.x.reshape(shape)


def _cross_entropy(logits: np.ndarray, labels: np.ndarray) -> float:
    """Return the mean cross-entropy of logits, N × classes, times the factor that makes it least."""

    def loss(exponent: float) -> float:
        return -special.log_softmax(logits * np.exp(exponent), axis=1)[np.arange(len(labels)), labels].mean()

    return float(optimize.minimize_scalar(loss, bounds=(-5, 5), method="bounded").fun)
