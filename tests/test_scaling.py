"""The first layer of a head: features standardised, or reduced to what tells the classes apart."""

import numpy as np
import pytest
from huskies.training import head, scatter
from huskies.training.discriminants import OfScatter

# Keras 3.15 says this of itself when it saves a model with numpy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")


def test_a_head_on_discriminants_is_saved_whole(tmp_path):
    random, labels = np.random.default_rng(0), np.arange(60) % 4
    features = random.normal(size=(60, 30)).astype(np.float32) + labels[:, None]
    parameters = {"optimizer": "adam", "learning_rate": 0.003, "dropout": 0.0, "l1": 0.0, "l2": 0.01, "seed": 1}
    model = head.Head(features, labels, 4, {**parameters, "scaling": "discriminants", "shrinkage": 0.5})
    kernel, _ = OfScatter(scatter.of(features, labels, 4)).at(0.5)
    model.advance(np.tile(np.arange(60, dtype=np.int32), (200, 1)))
    frozen = [each for each in model.weights() if each.shape == kernel.shape]
    assert [each.tobytes() for each in frozen] == [kernel.tobytes()]
    model.save(tmp_path / "head.keras")
    assert head.predict_with(tmp_path / "head.keras", features).tobytes() == model.predict(features).tobytes()
