"""The frozen backbone: any architecture of keras.applications, with its own preprocessing and input size."""

from collections.abc import Callable
from typing import Any

from huskies.backbone import architectures, tensorflow_setup, weights
from huskies.errors import HuskyError, nearest


def build(parameters: dict[str, Any]):
    """Return (Keras model from an input batch to N × D features, side of the input in pixels).

    parameters: the section `backbone` of params.yaml. The features are the average-pooled output of the last
    layer, or of `layer`; of several layers, one after the other. Raises HuskyError for arguments, a layer or weights
    that do not fit the architecture.
    """
    import keras

    name, layer = parameters["name"], parameters["layer"]
    architecture = getattr(keras.applications, name)
    side = parameters["input_size"] or _own_size(architecture, parameters)
    file = architectures.weights_file(parameters["weights"])
    if not file:
        weights.verify(name)
    try:
        base = architecture(
            include_top=False,
            weights=None if file else parameters["weights"],
            input_shape=(side, side, 3),
            pooling=None if layer else "avg",
            **parameters["arguments"],
        )
    except (TypeError, ValueError) as error:
        raise HuskyError(f"backbone: {name} cannot be built: {error}. Fix 'backbone' in params.yaml.") from None
    except Exception as error:
        raise HuskyError(weights.not_downloaded(name, error)) from None
    if not layer:
        if file:
            weights.load(base, file, name)
        return base, side
    layers = [_layer(base, each, name) for each in ([layer] if isinstance(layer, str) else layer)]
    if file:
        # The file may hold the whole network, or only what lies below the highest of the layers.
        try:
            weights.load(base, file, name)
        except HuskyError:
            weights.load(keras.Model(base.input, max(layers, key=base.layers.index).output), file, name)
    pooled = [_pooled(each) for each in layers]
    return keras.Model(base.input, pooled[0] if len(pooled) == 1 else keras.layers.Concatenate()(pooled)), side


def _pooled(layer):
    """Return the average of a layer's output over its pixels, or the output itself where it has none."""
    import keras

    output = layer.output
    if len(output.shape) == 4:
        output = keras.layers.GlobalAveragePooling2D()(output)
    if len(output.shape) != 2:
        raise HuskyError(f"backbone.layer: the output of '{layer.name}' has no features to pool. Choose another layer.")
    return output


def _own_size(architecture: Callable, parameters: dict[str, Any]) -> int:
    try:
        return architecture(weights=None, include_top=True, **parameters["arguments"]).input_shape[1]
    except (TypeError, ValueError) as error:
        raise HuskyError(
            f"backbone: {parameters['name']} cannot be built: {error}. Fix 'backbone' in params.yaml."
        ) from None


def _layer(base, layer: str, name: str):
    names = [each.name for each in base.layers]
    if layer not in names:
        raise HuskyError(f"backbone.layer: {name} has no layer '{layer}'.{nearest(layer, names)}")
    return base.get_layer(layer)


def preprocessing(name: str) -> Callable:
    """Return the architecture's own preprocess_input: float32 pixels of 0 to 255, to what the network expects."""
    import keras

    return getattr(keras.applications, architectures.modules()[name]).preprocess_input


def trace(parameters: dict[str, Any], size: int) -> tuple[Callable, int]:
    """Return (TensorFlow function from `size` × side × side × 3 uint8 pixels to float32 features, side).

    The preprocessing is part of the function. Raises HuskyError as `build` does.
    """
    tensorflow = tensorflow_setup.load_tensorflow()
    model, side = build(parameters)
    preprocess = preprocessing(parameters["name"])

    def features(pixels):
        return tensorflow.cast(model(preprocess(tensorflow.cast(pixels, "float32")), training=False), "float32")

    signature = tensorflow.TensorSpec((size, side, side, 3), tensorflow.uint8)
    return tensorflow.function(features, input_signature=[signature]), side
