"""What heads say of one's own photos that they have not seen: the logits and the scores that final goes by."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from huskies.backbone import tensorflow_setup
from huskies.backbone.features import Rows
from huskies.errors import HuskyError
from huskies.model import classifier, strangers
from huskies.model.classifier import Classifier
from huskies.model.neighbours import Neighbours, directions
from huskies.progress import bar
from huskies.training import fit
from huskies.training.everything import Everything

# The fold of test images, which no head is asked about, nor any but the last trained on.
TEST = -1


def train(features: Rows, labels: np.ndarray, parameters: dict[str, Any]) -> Classifier:
    """Return the head after its last step on rows: float32 features N × D, and int labels N.

    parameters: the section `train`, with nothing left to be chosen, and the `widths` of several layers.
    Raises HuskyError if the training diverges.
    """
    model, advance = fit.begin((features, labels), int(labels.max()) + 1, parameters)
    advance(0, parameters["steps"])
    weights = model.weights()[-2:]
    if not all(np.isfinite(each).all() for each in weights):
        raise HuskyError("the training of the final head diverged. Lower train.learning_rate in params.yaml.")
    return classifier.of_head(weights, (features, labels), parameters)


def ask(
    everything: Everything, rows: int, fold_of: np.ndarray, parameters: dict[str, Any], cores: int, stage: str
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return (logits, float64 N × classes; scores by method, float64 N) of each image by a head without its fold.

    rows: how many of all rows, images first, heads are trained on. fold_of: int, of each image, TEST for those that
    nobody asks about: the answers are of the others, which come first. parameters: as for `train`. As many
    heads are trained at once as there are cores.
    """
    features = Rows(everything.features, np.arange(len(everything.source)))
    of_rows, labels = fold_of[everything.source[:rows]], everything.labels
    asked_at_all = fold_of != TEST

    def without(fold: int) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
        trained = np.flatnonzero((of_rows != fold) & (of_rows != TEST))
        head = train(features.only(trained), labels[everything.source[trained]], parameters)
        others = features.only(np.flatnonzero(asked_at_all & (fold_of != fold)))
        asked = np.flatnonzero(fold_of == fold)
        known = head, Neighbours(directions(others))
        return asked, head.logits(features[asked]), strangers.scores(known, features[asked])

    tensorflow_setup.load_tensorflow()
    logits = np.empty((int(asked_at_all.sum()), int(labels.max()) + 1))
    scores = {name: np.empty(len(logits)) for name in strangers.METHODS}
    folds = int(fold_of.max()) + 1
    with ThreadPoolExecutor(cores) as pool:
        for asked, of_asked, found in bar(pool.map(without, range(folds)), folds, stage, " heads"):
            logits[asked] = of_asked
            for name, values in found.items():
                scores[name][asked] = values
    return logits, scores
