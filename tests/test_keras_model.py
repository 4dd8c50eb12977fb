"""keras_model: one Keras model that says what the classifier says, whatever its method."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from conftest import USES_KERAS
from exported import METHODS, PIXELS, expected, of_width, whole
from huskies.backbone import network
from huskies.exports import head_weights, keras_formats, keras_model

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


# Saves what a model makes of pixels before its backbone, in a process that has Keras and nothing of the project.
ELSEWHERE = """
import sys
import keras, numpy as np

pixels = np.load("pixels.npy")
for name in sys.argv[1:]:
    model = keras.models.load_model(f"{name}.keras")
    before = keras.Model(model.input, model.get_layer("logits").input)
    np.save(f"{name}.npy", before.predict(pixels, verbose=0))
assert not any(name.startswith("huskies") for name in sys.modules)
"""

# One for each of Keras' ways: to −1 … 1, by ImageNet's means in BGR, by its means and deviations, and none.
KINDS = ["MobileNet", "ResNet50", "DenseNet121", "EfficientNetB0"]


@pytest.fixture(scope="module")
def preprocessed(tmp_path_factory) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """What a saved model does to pixels before the backbone, by architecture, and what it should do."""
    folder, side = tmp_path_factory.mktemp("models"), 4
    pixels = np.random.default_rng(1).integers(0, 256, (5, side, side, 3)).astype(np.float32)
    flat = keras.Sequential([keras.Input((side, side, 3)), keras.layers.Flatten()])
    for name in KINDS:
        model, known = of_width("neighbours", side * side * 3, name=name)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(network, "build", lambda parameters: (flat, side))
            whole = keras_model.assemble(model, head_weights.of(model, known))
        keras_formats.to_keras(whole, {}, folder / f"{name}.keras")
    np.save(folder / "pixels.npy", pixels)
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, *KINDS], cwd=folder, env=kept, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    expected = {name: network.preprocessing(name)(pixels.copy()).reshape(5, -1) for name in KINDS}
    return {name: (np.load(folder / f"{name}.npy"), expected[name]) for name in KINDS}


@pytest.mark.parametrize("name", KINDS)
def test_the_preprocessing_of_every_kind_is_part_of_the_file(preprocessed, name):
    found, expected = preprocessed[name]
    assert found == pytest.approx(expected, abs=1e-4)
