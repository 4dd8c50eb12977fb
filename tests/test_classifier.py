"""classifier: plain numbers say what the head in Keras says, and how far a photo is from each class."""

import numpy as np
import pytest
from conftest import TRAIN, USES_KERAS
from huskies.backbone.features import Rows
from huskies.model import classifier
from huskies.training import fit
from scipy import special

pytestmark = USES_KERAS

RANDOM = np.random.default_rng(0)
LABELS = np.repeat(np.arange(3), 20)
FEATURES = (RANDOM.standard_normal((60, 8)) + 3 * np.eye(8)[LABELS]).astype(np.float32)
ROWS = Rows([FEATURES], np.arange(60))


@pytest.fixture(scope="module", params=["standardise", "discriminants"])
def trained(request):
    parameters = {**TRAIN, "scaling": request.param, "shrinkage": 0.1}
    model, advance = fit.begin((ROWS, LABELS), 3, parameters)
    advance(0, parameters["steps"])
    return model, classifier.of_head(model.weights()[-2:], (ROWS, LABELS), parameters)


def test_the_probabilities_are_those_of_the_head(trained):
    model, found = trained
    probabilities = classifier.probabilities(found.logits(FEATURES), 1.0)
    assert probabilities == pytest.approx(model.predict(FEATURES), abs=1e-5)


def test_a_temperature_divides_the_logits_and_keeps_the_answers(trained):
    logits = trained[1].logits(FEATURES)
    assert classifier.probabilities(logits, 2.0) == pytest.approx(special.softmax(logits / 2, axis=1))


def test_the_distance_grows_with_the_way_from_the_nearest_class(trained):
    found = trained[1]
    centre = FEATURES[LABELS == 0].mean(axis=0)
    away = np.stack([centre + step * np.eye(8)[0] for step in (0, 5, 10)]).astype(np.float32)
    near, far, farther = found.distances(away)
    assert near < 0.1
    assert near < far < farther


def test_a_photo_has_the_same_bits_in_any_company_and_none_has_none(trained):
    found = trained[1]
    alone = np.concatenate([found.logits(FEATURES[[each]]) for each in range(60)])
    assert (found.logits(FEATURES) == alone).all()
    assert found.logits(FEATURES[:0]).shape == (0, 3)
