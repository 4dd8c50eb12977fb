"""keras_model: one Keras model that says what the classifier says, whatever its method."""

import keras
import numpy as np
import pytest
from conftest import USES_KERAS
from exported import METHODS, PIXELS, expected, whole

pytestmark = USES_KERAS


@pytest.mark.parametrize("method", METHODS)
def test_it_says_what_the_classifier_says(method):
    found = whole(method)(PIXELS, training=False)
    sure, distance = expected(method)
    assert sorted(found) == ["distance", "probabilities"]
    assert found["probabilities"].numpy() == pytest.approx(sure, abs=1e-5)
    assert found["distance"].numpy() == pytest.approx(distance, abs=1e-5)
    assert np.ptp(sure) > 0.1


def test_it_is_of_keras_layers_alone_and_nothing_in_it_is_trained():
    model = whole("mahalanobis")
    assert model.trainable_weights == []
    assert {type(layer).__module__.partition(".")[0] for layer in model.layers} == {keras.__name__}
