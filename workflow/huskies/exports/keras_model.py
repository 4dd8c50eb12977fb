"""The whole classifier as one Keras model, of layers of Keras alone: it loads wherever Keras does."""

from typing import Any

import numpy as np

from huskies.backbone import network
from huskies.exports.head_weights import MAHALANOBIS, NEIGHBOURS, PROBABILITY, HeadWeights
from huskies.model.folder import Model

INPUT = "pixels"
OUTPUTS = ("probabilities", "distance")
LIKENESS = "likeness"


def assemble(model: Model, head: HeadWeights, known: np.ndarray | None = None) -> Any:
    """Return a Keras model from RGB pixels of 0 to 255, float32, N × side × side × 3, to the two OUTPUTS.

    probabilities: float32, N × classes, calibrated. distance: float32, N, by the method of the classifier; what is
    beyond its threshold is none of the classes. The preprocessing of keras.applications is a few operations of Keras.
    known: directions of photos, float32 K × D; there is a third output then, LIKENESS, the cosine to each, N × K.
    Raises HuskyError as network.build does.
    """
    import keras

    base, side = network.build(model.backbone)
    base.trainable = False
    pixels = keras.Input((side, side, 3), name=INPUT)
    features = base(network.preprocessing(model.backbone["name"])(pixels))
    return after_features(pixels, features, head, known)


def after_features(pixels: Any, features: Any, head: HeadWeights, known: np.ndarray | None = None) -> Any:
    """Return the Keras model from an input to the OUTPUTS; features: the tensor, N × D, that the head is given.

    known: as for `assemble`.
    """
    import keras

    logits = _dense(features, "logits", head.kernel, head.bias)
    # Divided after the product, as predict does; in one matrix, the largest numbers would round otherwise.
    probabilities = keras.layers.Softmax(name=OUTPUTS[0])(logits / head.temperature)
    distance = keras.layers.Identity(name=OUTPUTS[1])(_distance(features, logits, head))
    results = dict(zip(OUTPUTS, (probabilities, distance), strict=True))
    if known is not None:
        direction = keras.layers.UnitNormalization()(features)
        results[LIKENESS] = _dense(direction, LIKENESS, np.ascontiguousarray(known.T))
    found = keras.Model(pixels, results, name="two_huskies")
    found.trainable = False
    # Keras exports no model that has never been called.
    found(np.zeros((1, *pixels.shape[1:]), np.float32))
    return found


def _dense(given: Any, name: str, kernel: Any, bias: Any = None) -> Any:
    import keras

    layer = keras.layers.Dense(kernel.shape[1], use_bias=bias is not None, name=name)
    result = layer(given)
    layer.set_weights([kernel] if bias is None else [kernel, bias])
    return result


def _distance(features: Any, logits: Any, head: HeadWeights) -> Any:
    from keras import layers, ops

    if head.method == NEIGHBOURS:
        direction = layers.UnitNormalization(name="direction")(features)
        return 1 - ops.max(_dense(direction, "known", head.known), axis=1)
    if head.method == MAHALANOBIS:
        among = _dense(features, "whitened", head.whitened, head.offset)
        squares = ops.sum(ops.square(ops.expand_dims(among, 1) - head.means), axis=2)
        return ops.sqrt(ops.min(squares, axis=1))
    if head.method == PROBABILITY:
        return 1 - ops.max(ops.softmax(logits), axis=1)
    # Keras' logsumexp adds, and sums within a network are in int8 where the head is not.
    largest = ops.max(logits, axis=1, keepdims=True)
    return -ops.log(ops.sum(ops.exp(logits - largest), axis=1)) - ops.max(logits, axis=1)
