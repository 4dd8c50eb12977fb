"""The head: scale, then a dense softmax layer, in Keras on top of bottlenecks, trained in a compiled loop."""

import json
import re
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from huskies.backbone import tensorflow_setup
from huskies.backbone.features import Rows, chunks
from huskies.training import scaling, scatter

NAME = "head.keras"

# Bytes of training rows up to which TensorFlow holds them itself: a step then takes two thirds of the time.
_HELD_AT_MOST = 256 << 20
# The oldest time that a zip can hold.
_NO_TIME = (1980, 1, 1, 0, 0, 0)


class Head:
    """Scaling, dropout, dense, softmax. `parameters` is the section `train` of params.yaml."""

    def __init__(
        self,
        features: Rows | np.ndarray,
        labels: np.ndarray,
        classes: int,
        parameters: dict[str, Any],
        known: scatter.Scatter | None = None,
    ):
        """Build the layers and the optimizer for training rows: float32 N × D, and int labels N.

        Rows are scaled once (see scaling.py): by their own mean and variance, so that one learning rate suits every
        backbone, or to their discriminants. Many scaled rows are not held: each step gathers its own and scales them,
        so they may lie in files larger than memory. The seed fixes the first weights and the dropout. known: the
        scatter of the rows, where it is.
        """
        self._tensorflow = tensorflow = tensorflow_setup.load_tensorflow()
        import keras

        self._features = features
        self._labels = tensorflow.constant(labels, tensorflow.int32)
        inputs = keras.Input((features.shape[1],), name="bottleneck")
        if known is None and parameters["scaling"] == "discriminants":
            known = scatter.of(features, labels, classes)
        scaled = scaling.layer(features, known, parameters)(inputs)
        self._scale = keras.Model(inputs, scaled, name="scaled_only")
        held = 4 * len(features) * scaled.shape[1] <= _HELD_AT_MOST
        self._held = tensorflow.constant(_in_chunks(self._scale, features)) if held else None
        layers = (
            keras.layers.Dropout(parameters["dropout"], seed=parameters["seed"], name="dropout"),
            keras.layers.Dense(
                classes,
                kernel_initializer=keras.initializers.GlorotUniform(seed=parameters["seed"]),
                kernel_regularizer=keras.regularizers.L1L2(parameters["l1"], parameters["l2"]),
                name="logits",
            ),
        )
        self._last = keras.Sequential([keras.Input((scaled.shape[1],)), *layers], name="last")
        logits = layers[1](layers[0](scaled))
        self._logits = keras.Model(inputs, logits, name="logits_only")
        self._model = keras.Model(inputs, keras.layers.Softmax(name="softmax")(logits), name="head")
        optimizers = {"adam": keras.optimizers.Adam, "sgd": keras.optimizers.SGD}
        self._optimizer = optimizers[parameters["optimizer"]](parameters["learning_rate"])
        self._optimizer.build(self._model.trainable_variables)
        self._advance = tensorflow.function(self._steps)
        self._learn = tensorflow.function(self._step)

    def advance(self, batches: np.ndarray, shares: np.ndarray | None = None) -> None:
        """Take one step of the optimizer for each row of `batches`, int32, steps × batch size.

        shares: float32, likewise, or None. With shares, each image of a batch is mixed with the next one, the last with
        the first: features and labels, with its share of itself (mixup, Zhang et al. 2018, arXiv:1710.09412).
        """
        tensorflow = self._tensorflow
        shares = None if shares is None else tensorflow.constant(shares, tensorflow.float32)
        self._advance(tensorflow.constant(batches, tensorflow.int32), shares)

    def learn(self, features: np.ndarray, labels: np.ndarray, shares: np.ndarray | None = None) -> None:
        """Take one step on a batch that is not of the training rows: float32 n × D, and int labels n.

        shares: float32 n or None, as in `advance`.
        """
        tensorflow = self._tensorflow
        shares = None if shares is None else tensorflow.constant(shares, tensorflow.float32)
        scaled = self._scale(tensorflow.constant(features, tensorflow.float32), training=False)
        self._learn(scaled, tensorflow.constant(labels, tensorflow.int32), shares)

    def _steps(self, batches, shares) -> None:
        tensorflow = self._tensorflow
        for step in tensorflow.range(tensorflow.shape(batches)[0]):
            batch = batches[step]
            labels = tensorflow.gather(self._labels, batch)
            self._step(self._gather(batch), labels, None if shares is None else shares[step])

    def _step(self, scaled, labels, shares) -> None:
        variables = self._model.trainable_variables
        with self._tensorflow.GradientTape() as tape:
            loss = self._tensorflow.reduce_mean(self._losses(scaled, labels, shares))
            loss += sum(self._last.losses)
        self._optimizer.apply(tape.gradient(loss, variables), variables)

    def _losses(self, scaled, labels, shares):
        if shares is None:
            return self._cross_entropy(labels, self._last(scaled, training=True))
        # Rows of a batch are drawn one by one, so the next one is as good as any.
        others, other_labels = (self._tensorflow.roll(each, -1, 0) for each in (scaled, labels))
        own = shares[:, None]
        logits = self._last(own * scaled + (1 - own) * others, training=True)
        return shares * self._cross_entropy(labels, logits) + (1 - shares) * self._cross_entropy(other_labels, logits)

    def _gather(self, batch):
        if self._held is not None:
            return self._tensorflow.gather(self._held, batch)
        # Without state it need not wait for the step before: the next rows are read while this step computes.
        rows = self._tensorflow.numpy_function(
            self._features.__getitem__, [batch], self._tensorflow.float32, stateful=False
        )
        rows.set_shape((None, self._features.shape[1]))
        return self._scale(rows, training=False)

    def _cross_entropy(self, labels, logits):
        return self._tensorflow.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)

    def score(self, features: Rows | np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return for each row whether it is right (bool) and its cross-entropy in nats (float32), without dropout."""
        logits = _in_chunks(self._logits, features)
        return logits.argmax(axis=1) == labels, self._cross_entropy(labels, logits).numpy()

    def predict(self, features: Rows | np.ndarray) -> np.ndarray:
        """Return class probabilities, float32, N × classes."""
        return _in_chunks(self._model, features)

    def weights(self) -> list[np.ndarray]:
        """Return a copy of the weights."""
        return [np.copy(each) for each in self._model.get_weights()]

    def restore(self, weights: list[np.ndarray]) -> None:
        """Put back what `weights` returned."""
        self._model.set_weights(weights)

    def save(self, path: Path) -> None:
        """Write the model as `save` does."""
        save(self._model, path)


def save(model, path: Path) -> None:
    """Write a Keras model as a `.keras` file whose bytes depend on nothing but the model."""
    model.save(path)
    with zipfile.ZipFile(path) as saved:
        contents = {name: saved.read(name) for name in sorted(saved.namelist())}
    metadata = json.loads(contents["metadata.json"])
    metadata["date_saved"] = ""
    contents["metadata.json"] = json.dumps(metadata, sort_keys=True).encode()
    contents["config.json"] = _number_shared_objects(contents["config.json"].decode()).encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as rewritten:
        for name, content in contents.items():
            rewritten.writestr(zipfile.ZipInfo(name, _NO_TIME), content)


def _number_shared_objects(config: str) -> str:
    """Replace the memory addresses by which Keras marks shared objects by numbers in order of appearance."""
    numbers: dict[str, int] = {}

    def number(match: re.Match) -> str:
        return f"{match.group(1)}{numbers.setdefault(match.group(2), len(numbers))}"

    return re.sub(r'("shared_object_id": )(\d+)', number, config)


def _in_chunks(model, features: Rows | np.ndarray) -> np.ndarray:
    return np.concatenate([model(chunk, training=False).numpy() for chunk in chunks(features)])


def predict_with(path: Path, features: Rows | np.ndarray) -> np.ndarray:
    """Return class probabilities, float32, N × classes, of a saved head for bottlenecks, float32 N × D."""
    tensorflow_setup.load_tensorflow()
    import keras

    return _in_chunks(keras.models.load_model(path), features)


def write_events(history: pd.DataFrame, root: Path, stage: str) -> None:
    """Write the history as TensorBoard events to root/tensorboard/<stage>, in place of those of the last run.

    Whatever lies in root/tensorboard/images is removed. Event files carry times and host names, so they are no output
    of the stage.
    """
    tensorflow = tensorflow_setup.load_tensorflow()
    building = root / f".tensorboard-{stage}"
    shutil.rmtree(building, ignore_errors=True)
    for split in ("train", "val"):
        writer = tensorflow.summary.create_file_writer(str(building / split))
        with writer.as_default():
            for row in history.to_dict("records"):
                for name in ("accuracy", "cross_entropy"):
                    tensorflow.summary.scalar(name, row[f"{split}_{name}"], step=int(row["step"]))
        writer.close()
    final = root / "tensorboard" / stage
    final.parent.mkdir(exist_ok=True)
    shutil.rmtree(final, ignore_errors=True)
    building.rename(final)
    # Its images are of what was built before; `snakemake tensorboard` writes them again.
    shutil.rmtree(root / "tensorboard" / "images", ignore_errors=True)
