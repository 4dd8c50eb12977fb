"""The frozen backbone: any architecture of keras.applications, with its own preprocessing and input size."""

import contextlib
import functools
import os
import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from huskies import architectures, engine, images, weights
from huskies.errors import HuskyError, nearest, some

# TensorFlow's batch. OpenVINO has its own.
BATCH = 32
# Batches a core that may be ahead of whoever stores the features, so that no core waits for that. Only features are
# held, since a batch is decoded when its turn comes.
_AHEAD = 32


def load_tensorflow():
    """Import TensorFlow with one thread an operation, so that sums add up in one order, and without its chatter."""
    os.environ["KERAS_BACKEND"] = "tensorflow"
    with _silenced():
        import tensorflow

        tensorflow.config.threading.set_intra_op_parallelism_threads(1)
        tensorflow.config.list_logical_devices()
    return tensorflow


@contextlib.contextmanager
def _silenced() -> Iterator[None]:
    """Hold back what libraries write to file descriptor 2, past Python; show it after all if they fail."""
    with tempfile.TemporaryFile() as held:
        kept = os.dup(2)
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            held.seek(0)
            os.write(kept, held.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)


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
        raise HuskyError(f"backbone: {name} cannot be built: {error}. Mend 'backbone' in params.yaml.") from None
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
            f"backbone: {parameters['name']} cannot be built: {error}. Mend 'backbone' in params.yaml."
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
    tensorflow = load_tensorflow()
    model, side = build(parameters)
    preprocess = preprocessing(parameters["name"])

    def features(pixels):
        return tensorflow.cast(model(preprocess(tensorflow.cast(pixels, "float32")), training=False), "float32")

    signature = tensorflow.TensorSpec((size, side, side, 3), tensorflow.uint8)
    return tensorflow.function(features, input_signature=[signature]), side


def settle(parameters: dict[str, Any], split: Path | None = None) -> dict[str, Any]:
    """Return the parameters with the engine and the precision that `auto` stands for on this machine.

    split: the folder data/split, whose training images calibrate int8 and nothing else.
    """
    return engine.settle(parameters, functools.partial(trace, parameters), split)


def _resize(pixels: np.ndarray, side: int, position: int) -> np.ndarray:
    return images.resize(pixels, side)


def compute(
    parameters: dict[str, Any],
    files: Sequence[tuple[Path, str]],
    cores: int,
    split: Path | None = None,
    fit: Callable[[np.ndarray, int, int], np.ndarray] = _resize,
) -> Iterator[tuple[range, np.ndarray]]:
    """Yield (positions in `files`, float32 features, one row each) batch by batch, in order.

    files: (path of a JPEG, its sha256). split: as in `settle`. fit: makes side × side × 3 pixels, uint8, of a decoded
    image, the side and the position in `files`; called by several threads. Every batch has one size, the last one
    padded, and runs on one thread, which decodes it first; as many run side by side as there are cores. So a row has
    the same bits on any number of cores and in any company, and no core waits for another.
    Raises HuskyError for a file that is not what its manifest lists, and for features that are not finite.
    """
    tracing = functools.partial(trace, parameters)
    infer, side, size = engine.load(settle(parameters, split), cores, tracing, BATCH, split)

    def work(positions: range) -> np.ndarray:
        batch = np.zeros((size, side, side, 3), np.uint8)
        for row, position in enumerate(positions):
            batch[row] = fit(images.decode_jpeg(images.read_checked(*files[position])), side, position)
        return infer(batch)[: len(positions)]

    pool = ThreadPoolExecutor(cores)
    try:
        pending = deque()
        for start in range(0, len(files), size):
            positions = range(start, min(start + size, len(files)))
            pending.append((positions, pool.submit(work, positions)))
            if len(pending) >= _AHEAD * cores:
                yield _finite(*pending.popleft(), files)
        while pending:
            yield _finite(*pending.popleft(), files)
    finally:
        pool.shutdown(cancel_futures=True)


def _finite(positions: range, computed: Future, files: Sequence) -> tuple[range, np.ndarray]:
    features = computed.result()
    finite = np.isfinite(features).all(axis=1)
    if not finite.all():
        bad = [str(files[position][0]) for position, right in zip(positions, finite, strict=True) if not right]
        raise HuskyError(f"the backbone gives no finite features for {some(bad)}. Choose other weights in params.yaml.")
    return positions, features
