"""The frozen backbone: any architecture of keras.applications, with its own preprocessing and input size."""

import contextlib
import os
import re
import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from huskies import architectures, images
from huskies.errors import HuskyError, nearest, some

# Every batch has this size, the last one padded, and runs on one thread; several run side by side. So a row
# has the same bits on any number of cores, and in any company.
BATCH = 32
ENGINE = "tensorflow"
PRECISION = "float32"


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
    layer, or of `layer`. Raises HuskyError for arguments, a layer or weights that do not fit the architecture.
    """
    import keras

    name, layer, weights = parameters["name"], parameters["layer"], parameters["weights"]
    architecture = getattr(keras.applications, name)
    side = parameters["input_size"] or _own_size(architecture, parameters)
    from_keras = weights == "imagenet"
    try:
        base = architecture(
            include_top=False,
            weights="imagenet" if from_keras else None,
            input_shape=(side, side, 3),
            pooling=None if layer else "avg",
            **parameters["arguments"],
        )
    except (TypeError, ValueError) as error:
        raise HuskyError(f"backbone: {name} cannot be built: {error}. Mend 'backbone' in params.yaml.") from None
    except Exception as error:
        raise HuskyError(_no_download(name, error)) from None
    if not from_keras and not layer:
        _load_weights(base, Path("backbones", weights), name)
        return base, side
    if not layer:
        return base, side
    truncated = keras.Model(base.input, _layer(base, layer, name).output)
    if not from_keras:
        # The file may hold the whole network, or only what lies below the layer.
        try:
            _load_weights(truncated, Path("backbones", weights), name)
        except HuskyError:
            _load_weights(base, Path("backbones", weights), name)
    if len(truncated.output.shape) == 4:
        truncated = keras.Model(truncated.input, keras.layers.GlobalAveragePooling2D()(truncated.output))
    if len(truncated.output.shape) != 2:
        raise HuskyError(f"backbone.layer: the output of '{layer}' has no features to pool. Choose another layer.")
    return truncated, side


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


def _load_weights(model, path: Path, name: str) -> None:
    if not path.is_file():
        raise HuskyError(f"backbone.weights: there is no file {path}. Put it there, or choose another in params.yaml.")
    try:
        model.load_weights(path)
    # Keras and h5py raise many kinds of error for a file of another network, another format, or none.
    except Exception as error:
        reason = str(error).strip().splitlines()[0][:200]
        raise HuskyError(
            f"backbone.weights: {path} does not fit {name} as params.yaml describes it: {reason}. "
            "Choose the weights, name, arguments and layer that belong together."
        ) from None


def _no_download(name: str, error: Exception) -> str:
    url = re.search(r"https?://\S+/([\w.\-]+\.h5)", str(error))
    home = os.environ.get("KERAS_HOME", "~/.keras")
    file = f"{home}/models/{url.group(1)}" if url else f"its file in {home}/models"
    return (
        f"backbone.weights: the ImageNet weights of {name} could not be downloaded. Put them into {file} by hand, "
        "or set backbone.weights to a file in backbones/."
    )


def preprocessing(name: str) -> Callable[[np.ndarray], np.ndarray]:
    """Return the architecture's own preprocess_input: float32 pixels of 0 to 255, to what the network expects."""
    import keras

    module = getattr(keras.applications, architectures.modules()[name])
    return lambda pixels: np.asarray(module.preprocess_input(pixels), np.float32)


def compute(
    parameters: dict[str, Any], files: Sequence[tuple[Path, str]], cores: int
) -> Iterator[tuple[list[int], np.ndarray]]:
    """Yield (positions in `files`, float32 features, one row each) batch by batch, in order.

    files: (path of a JPEG, its sha256). Decoding runs beside inference, and 2 batches a core are in flight.
    Raises HuskyError for a file that is not what its manifest lists, and for features that are not finite.
    """
    tensorflow = load_tensorflow()
    model, side = build(parameters)
    preprocess = preprocessing(parameters["name"])
    signature = tensorflow.TensorSpec((BATCH, side, side, 3), tensorflow.float32)
    infer = tensorflow.function(lambda batch: model(batch, training=False), input_signature=[signature])

    def work(positions: list[int]) -> np.ndarray:
        batch = np.zeros((BATCH, side, side, 3), np.float32)
        for row, position in enumerate(positions):
            pixels = images.decode(images.read_checked(*files[position]))
            batch[row] = images.resize(pixels, side)
        return infer(tensorflow.constant(preprocess(batch))).numpy()[: len(positions)].astype(np.float32)

    starts = range(0, len(files), BATCH)
    batches = [list(range(start, min(start + BATCH, len(files)))) for start in starts]
    with ThreadPoolExecutor(cores) as pool:
        waiting = iter(batches)
        pending = deque()
        for positions in waiting:
            pending.append((positions, pool.submit(work, positions)))
            if len(pending) >= 2 * cores:
                yield _finite(*_result(pending), files)
        while pending:
            yield _finite(*_result(pending), files)


def _result(pending: deque) -> tuple[list[int], np.ndarray]:
    positions, future = pending.popleft()
    return positions, future.result()


def _finite(positions: list[int], features: np.ndarray, files: Sequence) -> tuple[list[int], np.ndarray]:
    bad = [
        str(files[position][0]) for position, row in zip(positions, features, strict=True) if not np.isfinite(row).all()
    ]
    if bad:
        raise HuskyError(f"the backbone gives no finite features for {some(bad)}. Choose other weights in params.yaml.")
    return positions, features
