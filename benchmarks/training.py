"""Training the last layer: the loop of `train`, plain Keras `fit`, and text bottlenecks, side by side.

Ours evaluates all rows a hundred times on the way, `fit` once at the end.
"""

import functools
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import side_by_side
from huskies.backbone import tensorflow_setup
from huskies.training import fit
from speed_table import Line

IMAGES, VALIDATION, DIMENSIONS, CLASSES, BATCH = 2000, 500, 2048, 10, 100
SEED = 0
TEXT_STEPS = 20
PARAMETERS = {
    "batch_size": BATCH,
    "optimizer": "adam",
    "learning_rate": 0.003,
    "dropout": 0.0,
    "l1": 0.0,
    "l2": 0.01,
    "mixup": 0.0,
    "scaling": "standardise",
    "class_balanced": False,
    "keep": "last",
}


@functools.cache
def rows(images: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (float32 features N × 2 048, int labels): ten overlapping classes, as skewed as pooled features are."""
    random = np.random.default_rng(seed)
    labels = np.arange(images) % CLASSES
    middles = np.random.default_rng(0).gamma(0.5, 1.0, (CLASSES, DIMENSIONS))
    return (random.gamma(0.5, 1.0, (images, DIMENSIONS)) + 0.11 * middles[labels]).astype(np.float32), labels


def ours(steps: int, folder: Path) -> None:
    """Train as Two Huskies does, from a file, with its hundred evaluations."""
    features, labels = rows(IMAGES, 1)
    np.save(folder / "features.npy", features)
    mapped = np.load(folder / "features.npy", mmap_mode="r")
    fit.fit((mapped, labels), rows(VALIDATION, 2), CLASSES, {**PARAMETERS, "steps": steps, "seed": SEED}, "training")


def keras_fit(steps: int, folder: Path) -> None:
    """Train the same layers by plain `fit`, all in memory, and evaluate once at the end."""
    os.environ["KERAS_BACKEND"], os.environ["TF_CPP_MIN_LOG_LEVEL"] = "tensorflow", "3"
    import keras

    keras.utils.set_random_seed(SEED)
    features, labels = rows(IMAGES, 1)
    standardise = keras.layers.Normalization()
    standardise.adapt(features)
    dense = keras.layers.Dense(
        CLASSES, activation="softmax", kernel_regularizer=keras.regularizers.L2(PARAMETERS["l2"])
    )
    model = keras.Sequential([keras.Input((DIMENSIONS,)), standardise, dense])
    optimizer = keras.optimizers.Adam(PARAMETERS["learning_rate"])
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(features, labels, batch_size=BATCH, epochs=steps * BATCH // IMAGES, verbose=0)
    model.evaluate(*rows(VALIDATION, 2), verbose=0)


def text_bottlenecks(steps: int, folder: Path) -> None:
    """Read the batches of so many steps as TensorFlow's retrain.py does: a text file an image, parsed in each step.

    The files are written on the first call. Nothing is trained.
    """
    features, _ = rows(IMAGES, 1)
    for row, values in enumerate(features):
        path = folder / f"{row}.txt"
        if not path.exists():
            path.write_text(",".join(map(str, values)))
    for batch in np.random.default_rng(SEED).integers(0, IMAGES, (steps, BATCH)):
        np.array([[float(value) for value in (folder / f"{row}.txt").read_text().split(",")] for row in batch])


def prepared(peer: Callable[[int, Path], None], steps: int, folder: Path) -> Callable:
    """Return so many steps of a peer, after an epoch that is not timed."""
    if peer is ours:
        tensorflow_setup.load_tensorflow()
    peer(IMAGES // BATCH, folder)
    return functools.partial(peer, steps, folder)


def measure(quick: bool) -> Iterator[Line]:
    """Yield our steps a second, and how many times those of plain `fit` and of text bottlenecks they are."""
    steps, repetitions = (100, 1) if quick else (5000, 3)
    peers = {ours: steps, keras_fit: steps, text_bottlenecks: TEXT_STEPS}
    with tempfile.TemporaryDirectory() as name:
        seconds = side_by_side.medians(
            {peer.__name__: (prepared, peer, count, Path(name)) for peer, count in peers.items()}, repetitions
        )
    own, fit, text = (count / seconds[peer.__name__].wall for peer, count in peers.items())
    yield Line("training", "steps on bottlenecks, the curves included", own, "steps/s")
    yield Line("training", "against plain fit", own / fit, "×", at_least=3)
    yield Line("training", "against text bottlenecks, as retrain.py reads them", own / text, "×")
