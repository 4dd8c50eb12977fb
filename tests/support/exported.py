"""A classifier of three classes on a network of one layer, to be exported, and what it says of pixels."""

import dataclasses
import functools
import json
from typing import Any

import numpy as np
import pandas as pd
from huskies.backbone import tensorflow_setup
from huskies.exports import head_weights, keras_model
from huskies.model import classifier, strangers
from huskies.model.classifier import Classifier
from huskies.model.folder import Model
from huskies.model.neighbours import Neighbours, directions

SIDE, WIDTH, CLASSES, TEMPERATURE = 8, 6, 3, 0.5
METHODS = sorted(strangers.METHODS)
RANDOM = np.random.default_rng(0)
PIXELS = RANDOM.integers(0, 256, (5, SIDE, SIDE, 3)).astype(np.float32)
KERNEL = (RANDOM.standard_normal((3, 3, 3, WIDTH)) / 300).astype(np.float32)
KNOWN = directions(RANDOM.standard_normal((7, WIDTH)).astype(np.float32))
_SPREAD = RANDOM.standard_normal((2, 2))
HEAD = Classifier(
    kernel=RANDOM.standard_normal((WIDTH, CLASSES)),
    bias=RANDOM.standard_normal(CLASSES),
    discriminants=RANDOM.standard_normal((WIDTH, 2)),
    offset=RANDOM.standard_normal(2),
    means=RANDOM.standard_normal((CLASSES, 2)),
    inverse=_SPREAD @ _SPREAD.T + np.eye(2),
)


def model(method: str, **backbone: Any) -> Model:
    """Return the classifier with this method for what is none of its classes."""
    numbers = {
        "calibration": {"temperature": TEMPERATURE},
        "none_of_these": {"method": method, "accept": 0.95, "methods": {method: {"threshold": 0.25}}},
        "provenance": {"code": "0"},
        "sentence": "Of new photos, most are told rightly.",
    }
    return Model(["ash", "öak", "elm"], HEAD, Neighbours(KNOWN), pd.DataFrame(), numbers, backbone)


def of_width(method: str, width: int, **backbone: Any) -> tuple[Model, np.ndarray]:
    """Return a classifier of as many features, and the directions that it knows, float16 7 × width."""
    random = np.random.default_rng(1)
    wide = {"kernel": random.standard_normal((width, CLASSES)), "discriminants": random.standard_normal((width, 2))}
    known = directions(random.standard_normal((7, width)).astype(np.float32))
    head = Classifier(**{**vars(HEAD), **wide})
    return dataclasses.replace(model(method, **backbone), classifier=head, neighbours=Neighbours(known)), known


def weights(method: str) -> head_weights.HeadWeights:
    """Return what its head is exported as."""
    return head_weights.of(model(method), KNOWN)


@functools.cache
def network() -> Any:
    """Return the network, from pixels to features, a Keras model."""
    tensorflow_setup.load_tensorflow()
    import keras

    pixels = keras.Input((SIDE, SIDE, 3), name=keras_model.INPUT)
    layer = keras.layers.Conv2D(WIDTH, 3, use_bias=False)
    found = keras.Model(pixels, keras.layers.GlobalAveragePooling2D()(layer(pixels)))
    layer.set_weights([KERNEL])
    return found


def whole(method: str) -> Any:
    """Return the network and the head, a Keras model."""
    import keras

    pixels = keras.Input((SIDE, SIDE, 3), name=keras_model.INPUT)
    return keras_model.after_features(pixels, network()(pixels), weights(method))


def said(features: np.ndarray, method: str) -> tuple[np.ndarray, np.ndarray]:
    """Return (probabilities, distances) that the classifier itself gives for features, float32 N × WIDTH."""
    distances = strangers.METHODS[method]((HEAD, Neighbours(KNOWN)), features)
    return classifier.probabilities(HEAD.logits(features), TEMPERATURE), distances


def expected(method: str) -> tuple[np.ndarray, np.ndarray]:
    """Return what the classifier says of PIXELS."""
    return said(network()(PIXELS, training=False).numpy(), method)


DESCRIPTION = {"labels": ["ash", "öak", "elm"], "threshold": 0.25}


def described(text: str) -> bool:
    """Tell whether a text is the description that was put into a file."""
    return json.loads(text) == DESCRIPTION
