"""Training a head: which rows are in each batch, the steps, the curves, and which step is kept."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from huskies.backbone.features import Rows
from huskies.errors import HuskyError
from huskies.progress import bar
from huskies.training import head
from huskies.training.scatter import Scatter

# How many points the curves have, at most.
_POINTS = 100


def draw_batches(labels: np.ndarray, steps: int, size: int, balanced: bool, seed: int) -> np.ndarray:
    """Return the rows of each batch, int32, steps × size, drawn with replacement.

    labels: int, one for each training row. balanced: draw the class first, then one of its rows, as
    TensorFlow's retrain.py does; otherwise every row is equally likely.
    """
    random = np.random.default_rng(seed)
    if not balanced:
        return random.integers(0, len(labels), (steps, size), dtype=np.int32)
    members = [np.flatnonzero(labels == each) for each in np.unique(labels)]
    sizes = np.array([len(each) for each in members])
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    drawn = random.integers(0, len(members), (steps, size))
    within = (random.random((steps, size)) * sizes[drawn]).astype(np.int64)
    return np.concatenate(members)[starts[drawn] + within].astype(np.int32)


def draw_shares(steps: int, size: int, mixup: float, seed: int) -> np.ndarray | None:
    """Return the share that each image of a batch keeps in its mixture, float32, steps × size; None without mixup.

    Shares are drawn from Beta(mixup, mixup), one for each pair (Zhang et al. 2018, arXiv:1710.09412).
    """
    if not mixup:
        return None
    # Other numbers than those of the batches, which the seed alone begins.
    return np.random.default_rng([seed, 1]).beta(mixup, mixup, (steps, size)).astype(np.float32)


def fit(
    train: tuple[Rows | np.ndarray, np.ndarray],
    validation: tuple[Rows | np.ndarray, np.ndarray],
    classes: int,
    parameters: dict[str, Any],
    stage: str,
) -> tuple["head.Head", pd.DataFrame, int, tuple[np.ndarray, np.ndarray]]:
    """Return (the kept head, its history, the step at which it was kept, the history of each validation image).

    train, validation: (float32 features N × D, int labels N). parameters: the section `train` of params.yaml, with
    nothing left to be chosen. history has the columns step and, for train and val, accuracy and cross_entropy (natural
    logarithm), over all rows of each. The history of each image is whether it was right (bool) and its cross-entropy
    (float32), both points × images. Raises HuskyError if the training diverges.
    """
    model, advance = begin(train, classes, parameters)
    return model, *follow(model, advance, parameters["steps"], train, validation, parameters["keep"], stage)


def begin(
    train: tuple[Rows | np.ndarray, np.ndarray],
    classes: int,
    parameters: dict[str, Any],
    known: Scatter | None = None,
) -> tuple["head.Head", Callable[[int, int], None]]:
    """Return (a head that has learnt nothing yet, what takes its steps from the first number to before the second).

    train, parameters: as for `fit`. known: the scatter of the training rows, where it is.
    """
    batches = draw_batches(
        train[1],
        parameters["steps"],
        parameters["batch_size"],
        parameters["class_balanced"],
        parameters["seed"],
    )
    shares = draw_shares(*batches.shape, parameters["mixup"], parameters["seed"])
    model = head.Head(*train, classes, parameters, known)

    def advance(start: int, stop: int) -> None:
        model.advance(batches[start:stop], None if shares is None else shares[start:stop])

    return model, advance


def follow(
    model: "head.Head",
    advance: Callable[[int, int], None],
    steps: int,
    train: tuple[Rows | np.ndarray, np.ndarray],
    validation: tuple[Rows | np.ndarray, np.ndarray],
    keep: str,
    stage: str,
) -> tuple[pd.DataFrame, int, tuple[np.ndarray, np.ndarray]]:
    """Train `model` and leave it as it is to be kept; return what `fit` does, but for the head.

    advance: takes the steps from the first number to before the second. keep: `train.keep` of params.yaml.
    """
    every = max(1, -(-steps // _POINTS))
    history, rights, cross_entropies, best, kept, weights = [], [], [], np.inf, 0, model.weights()
    starts = range(0, steps, every)
    for start in bar(starts, len(starts), stage, unit=" rounds"):
        step = min(start + every, steps)
        advance(start, step)
        right, cross_entropy = model.score(*validation)
        train_scores, val_scores = _means(*model.score(*train)), _means(right, cross_entropy)
        if not np.isfinite([*train_scores, *val_scores]).all():
            raise HuskyError(f"the training diverged before step {step}. Lower train.learning_rate in params.yaml.")
        history.append((step, *train_scores, *val_scores))
        rights.append(right)
        cross_entropies.append(cross_entropy)
        if keep == "last" or val_scores[1] < best:
            best, kept, weights = val_scores[1], step, model.weights()
    model.restore(weights)
    columns = ["step", "train_accuracy", "train_cross_entropy", "val_accuracy", "val_cross_entropy"]
    return pd.DataFrame(history, columns=columns), kept, (np.stack(rights), np.stack(cross_entropies))


def _means(right: np.ndarray, cross_entropy: np.ndarray) -> tuple[float, float]:
    return float(right.mean()), float(cross_entropy.mean(dtype=np.float64))


def divide(
    index: pd.DataFrame, features: list[np.ndarray]
) -> tuple[list[str], tuple[Rows, np.ndarray], tuple[Rows, np.ndarray]]:
    """Return (labels in the order of the head's outputs, training rows, validation rows).

    index, features: as `load_rows` returns them. Rows are (float32 features N × D, int labels N).
    """
    labels = sorted(index["label"].unique())
    targets = index["label"].map({label: number for number, label in enumerate(labels)}).to_numpy()
    is_train = (index["split"] == "train").to_numpy()
    train, validation = ((Rows(features, np.flatnonzero(each)), targets[each]) for each in (is_train, ~is_train))
    return labels, train, validation
