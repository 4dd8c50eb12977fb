"""Out-of-fold predictions: every image is asked of heads that saw neither it, nor its copies, nor its group."""

import itertools
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from huskies.backbone import tensorflow_setup
from huskies.backbone.features import Rows
from huskies.errors import HuskyError
from huskies.progress import bar
from huskies.training import fit, regularisation, scatter
from huskies.training.scatter import Scatter


def predict(
    features: Sequence[np.ndarray],
    labels: np.ndarray,
    source: np.ndarray,
    folds: np.ndarray,
    parameters: dict[str, Any],
    cores: int,
    stage: str,
    kept: Sequence[np.ndarray] | None = None,
) -> Iterator[tuple[np.ndarray, list[dict[str, Any]]]]:
    """Yield (class probabilities, float32, images × classes; the parameters of each fold's head), for each arm in turn.

    The arms are those without and with copies, for each row of `folds`; where there are no copies, both are one.
    features: float32 parts, N × D in all; the first rows are the images, the others copies of them. labels: int, of
    each image. source: int, the image that each of the N rows is or descends from. folds: int, repeats × images.
    parameters: the section `train` of params.yaml, and the `widths` of several layers; the head after the last step is
    the one that is asked, so that the images that are asked choose nothing. What `auto` stands for is chosen for each
    head by the images that it is trained on. stage: the name at the bar. kept: for each row of `folds`, bool, folds ×
    N, which of the rows the head of each fold may be trained on, some of each class; None for all. As much is done at
    once as there are cores, each by itself, so that the bits are the same on any number.
    Raises HuskyError if a training diverges.
    """
    arms = (len(labels), len(source)) if len(source) > len(labels) else (len(labels),)
    tensorflow_setup.load_tensorflow()
    with ThreadPoolExecutor(cores) as pool:
        heads = itertools.chain.from_iterable(
            _Arm(features, labels, source[:rows], fold_of, parameters).heads(pool, some)
            for fold_of, some in zip(folds, [None] * len(folds) if kept is None else kept, strict=True)
            for rows in arms
        )
        counts = [int(fold_of.max()) + 1 for fold_of in folds for _ in arms]
        answers = iter(bar(heads, sum(counts), stage, unit=" heads"))
        for count in counts:
            together = np.empty((len(labels), int(labels.max()) + 1), np.float32)
            chosen = []
            for asked, probabilities, settled in itertools.islice(answers, count):
                together[asked] = probabilities
                chosen.append(settled)
            for _ in range(2 // len(arms)):
                yield together, chosen


class _Arm:
    """The heads of one way to divide the images, trained without or with their copies."""

    def __init__(
        self,
        features: Sequence[np.ndarray],
        labels: np.ndarray,
        source: np.ndarray,
        fold_of: np.ndarray,
        parameters: dict[str, Any],
    ):
        """Take what `predict` takes; `source` is of those rows alone that are trained on."""
        self._rows, self._labels, self._fold_of = Rows(features, np.arange(len(source))), labels, fold_of
        self._source, self._targets = source, labels[source]
        self._folds, self._classes = range(int(fold_of.max()) + 1), int(labels.max()) + 1
        self._parameters, self._possible = parameters, regularisation.candidates(parameters)

    def heads(
        self, pool: ThreadPoolExecutor, kept: np.ndarray | None
    ) -> Iterator[tuple[np.ndarray, np.ndarray, dict[str, Any]]]:
        """Yield (images, int; their class probabilities, float32; the parameters of the head) for each fold."""
        if kept is not None:
            yield from pool.map(lambda fold: self._head_of_some(fold, kept[fold]), self._folds)
            return
        scatters = list(pool.map(self._scatter, self._folds))
        whole = sum(scatters[1:], scatters[0])
        chosen = self._choose(pool, scatters, whole)

        def head(fold: int) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
            trained = trained_on(self._fold_of, fold, self._source, len(self._source))
            return self._head(fold, trained, chosen[fold], whole - scatters[fold])

        yield from pool.map(head, self._folds)

    def _head_of_some(self, fold: int, kept: np.ndarray) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
        trained = trained_on(self._fold_of, fold, self._source, len(self._source))
        trained = trained[kept[trained]]
        train = self._rows.only(trained), self._targets[trained]
        inner = self._fold_of[self._source[trained]]
        return self._head(
            fold, trained, regularisation.choose_by(train, inner, trained < len(self._labels), self._parameters)
        )

    def _scatter(self, fold: int) -> Scatter:
        own = np.flatnonzero(self._fold_of[self._source] == fold)
        return scatter.of(self._rows.only(own), self._targets[own], self._classes)

    def _choose(self, pool: ThreadPoolExecutor, scatters: list[Scatter], whole: Scatter) -> list[dict[str, Any]]:
        """Return the parameters of each fold's head.

        The folds that a head is trained on are its inner folds. Heads that leave out one fold for another, or that
        other for the one, are the same, and trained once.
        """
        if len(self._possible) == 1:
            return self._possible * len(self._folds)
        size = len(self._folds), len(self._possible), len(self._labels), self._classes
        scores = np.full(size, np.nan, np.float32)

        def ask(pair: tuple[int, int]) -> None:
            one, other = pair
            trained = np.flatnonzero(~np.isin(self._fold_of[self._source], pair))
            asked = np.flatnonzero(np.isin(self._fold_of, pair))
            found = regularisation.ask(
                self._rows,
                self._targets,
                trained,
                asked,
                lambda: whole - scatters[one] - scatters[other],
                self._possible,
            )
            for fold, left_out in ((one, other), (other, one)):
                mine = self._fold_of[asked] == left_out
                scores[fold][:, asked[mine]] = found[:, mine]

        deque(pool.map(ask, itertools.combinations(self._folds, 2)), maxlen=0)
        trained = [self._fold_of != fold for fold in self._folds]
        return [
            regularisation.best(self._possible, of_fold[:, inner], self._labels[inner])
            for of_fold, inner in zip(scores, trained, strict=True)
        ]

    def _head(
        self, fold: int, trained: np.ndarray, parameters: dict[str, Any], known: Scatter | None = None
    ) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
        """Return what `heads` yields of one fold; trained: the rows, int, that its head sees."""
        asked = np.flatnonzero(self._fold_of == fold)
        model, advance = fit.begin((self._rows.only(trained), self._targets[trained]), self._classes, parameters, known)
        advance(0, parameters["steps"])
        probabilities = model.predict(self._rows.only(asked))
        if not np.isfinite(probabilities).all():
            raise HuskyError("a training of cross-validation diverged. Lower train.learning_rate in params.yaml.")
        return asked, probabilities, parameters


def trained_on(fold_of: np.ndarray, fold: int, source: np.ndarray, rows: int) -> np.ndarray:
    """Return which of the first `rows` rows the heads of a fold are trained on: those whose image is in another fold.

    fold_of: int, of each image. source: as for `predict`.
    """
    return np.flatnonzero(fold_of[source[:rows]] != fold)
