"""Out-of-fold predictions: every image is asked of heads that saw neither it, nor its copies, nor its group."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from huskies.backbone import tensorflow_setup
from huskies.backbone.features import Rows
from huskies.errors import HuskyError
from huskies.progress import bar
from huskies.training import fit


def predict(
    features: Sequence[np.ndarray],
    labels: np.ndarray,
    source: np.ndarray,
    folds: np.ndarray,
    parameters: dict[str, Any],
    cores: int,
    stage: str,
    kept: Sequence[np.ndarray] | None = None,
) -> Iterator[np.ndarray]:
    """Yield class probabilities, float32, images × classes, without and with copies in turn, for each row of `folds`.

    features: float32 parts, N × D in all; the first rows are the images, the others copies of them. labels: int, of
    each image. source: int, the image that each of the N rows is or descends from. folds: int, repeats × images.
    parameters: the section `train` of params.yaml; the head after the last step is the one that is asked, so that the
    images that are asked choose nothing. stage: the name at the bar. kept: for each row of `folds`, bool, folds × N,
    which of the rows the heads of a fold may be trained on, some of each class; None for all. Where there are no
    copies, both answers are one.
    As many heads are trained at once as there are cores, each by itself, so that the bits are the same on any number.
    Raises HuskyError if a training diverges.
    """
    images, classes = len(labels), int(labels.max()) + 1
    allowed = [None] * len(folds) if kept is None else kept
    tasks = [
        (fold_of, fold, with_copies, rows)
        for fold_of, rows in zip(folds, allowed, strict=True)
        for with_copies in ((False, True) if len(source) > images else (False,))
        for fold in range(int(fold_of.max()) + 1)
    ]

    def ask(task: tuple[np.ndarray, int, bool, np.ndarray | None]) -> tuple[np.ndarray, np.ndarray]:
        fold_of, fold, with_copies, rows = task
        chosen = trained_on(fold_of, fold, source, images if not with_copies else len(source))
        if rows is not None:
            chosen = chosen[rows[fold, chosen]]
        asked = np.flatnonzero(fold_of == fold)
        train = Rows(features, chosen), labels[source[chosen]]
        model, advance = fit.begin(train, classes, parameters)
        advance(0, parameters["steps"])
        probabilities = model.predict(Rows(features, asked))
        if not np.isfinite(probabilities).all():
            raise HuskyError("a training of cross-validation diverged. Lower train.learning_rate in params.yaml.")
        return asked, probabilities

    tensorflow_setup.load_tensorflow()
    with ThreadPoolExecutor(cores) as pool:
        answers = pool.map(ask, tasks)
        for task, (asked, probabilities) in zip(tasks, bar(answers, len(tasks), stage, unit=" heads"), strict=True):
            fold_of, fold, *_ = task
            if fold == 0:
                together = np.empty((images, classes), np.float32)
            together[asked] = probabilities
            if fold == fold_of.max():
                yield together
                if len(source) == images:
                    yield together


def trained_on(fold_of: np.ndarray, fold: int, source: np.ndarray, rows: int) -> np.ndarray:
    """Return which of the first `rows` rows the heads of a fold are trained on: those whose image is in another fold.

    fold_of: int, of each image. source: as for `predict`.
    """
    return np.flatnonzero(fold_of[source[:rows]] != fold)
