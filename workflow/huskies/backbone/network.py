"""The frozen backbone: any architecture of keras.applications, with its own preprocessing and input size."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from huskies.backbone import architectures, blocks, tensorflow_setup, weights
from huskies.errors import HuskyError, nearest


def build(parameters: dict[str, Any]):
    """Return (Keras model from an input batch to N × D features, side of the input in pixels).

    parameters: the section `backbone` of params.yaml. The features are the average-pooled output of the last
    layer, or of `layer`; of several layers, one after the other. Raises HuskyError for arguments, a layer or weights
    that do not fit the architecture.
    """
    import keras

    name, layer = parameters["name"], parameters["layer"]
    file = architectures.weights_file(parameters["weights"])
    if not file:
        weights.verify(name)
    base, side = _base(parameters, None if file else parameters["weights"])
    if not layer:
        if file:
            weights.load(base, file, name)
        return base, side
    tensors = _tensors(base, parameters)
    if file:
        # The file may hold the whole network, or only what lies below the highest of the layers.
        try:
            weights.load(base, file, name)
        except HuskyError:
            if layer == "auto":
                raise
            weights.load(keras.Model(base.input, _highest(base, tensors)), file, name)
    pooled = [_pooled(each) for each in tensors]
    return keras.Model(base.input, pooled[0] if len(pooled) == 1 else keras.layers.Concatenate()(pooled)), side


def save_weights(parameters: dict[str, Any], path: Path) -> None:
    """Write the weights of the whole network, those that Keras offers, to a file whose name ends in .weights.h5."""
    tensorflow_setup.load_tensorflow()
    weights.verify(parameters["name"])
    base, _ = _base(parameters, parameters["weights"])
    base.save_weights(path)


def widths(parameters: dict[str, Any]) -> list[int]:
    """Return how many features each of several layers has, in their order; raises HuskyError as `build` does."""
    base, _ = _base(parameters, None)
    return [_pooled(each).shape[-1] for each in _tensors(base, parameters)]


def _base(parameters: dict[str, Any], imagenet: str | None):
    """Return (the architecture without its last layer, side of its input), with Keras' weights or none yet."""
    import keras

    name = parameters["name"]
    architecture = getattr(keras.applications, name)
    side = parameters["input_size"] or _own_size(architecture, parameters)
    try:
        base = architecture(
            include_top=False,
            weights=imagenet,
            input_shape=(side, side, 3),
            pooling=None if parameters["layer"] else "avg",
            **parameters["arguments"],
        )
    except (TypeError, ValueError) as error:
        raise HuskyError(f"backbone: {name} cannot be built: {error}. Fix 'backbone' in params.yaml.") from None
    except Exception as error:
        raise HuskyError(weights.not_downloaded(name, error)) from None
    return base, side


def _tensors(base, parameters: dict[str, Any]) -> list:
    """Return the outputs of the layers that `layer` asks for, in its order."""
    layer = parameters["layer"]
    if layer == "auto":
        return blocks.chosen(*blocks.outputs(base))
    return [_layer(base, each, parameters["name"]) for each in ([layer] if isinstance(layer, str) else layer)]


def _highest(base, tensors: list):
    """Return that of some layers' outputs which comes last in the network."""
    numbers = {id(each.output): number for number, each in enumerate(base.layers)}
    return max(tensors, key=lambda each: numbers[id(each)])


def _pooled(output):
    """Return the average of a layer's output over its pixels, or the output itself where it has none."""
    import keras

    if len(output.shape) == 4:
        return keras.layers.GlobalAveragePooling2D()(output)
    return output


def _own_size(architecture: Callable, parameters: dict[str, Any]) -> int:
    try:
        return architecture(weights=None, include_top=True, **parameters["arguments"]).input_shape[1]
    except (TypeError, ValueError) as error:
        raise HuskyError(
            f"backbone: {parameters['name']} cannot be built: {error}. Fix 'backbone' in params.yaml."
        ) from None


def _layer(base, layer: str, name: str):
    """Return the output of a layer by name. Raises HuskyError where there is none, or none to pool."""
    names = [each.name for each in base.layers]
    if layer not in names:
        raise HuskyError(f"backbone.layer: {name} has no layer '{layer}'.{nearest(layer, names)}")
    output = base.get_layer(layer).output
    if len(output.shape) not in (2, 4):
        raise HuskyError(f"backbone.layer: the output of '{layer}' has no features to pool. Choose another layer.")
    return output


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
