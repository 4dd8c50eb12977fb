"""The article's 15 000 steps: images augmented on the fly through the frozen backbone, against kept bottlenecks.

The slow way is what Keras' own augmentation layers make of it: every step sends a batch of images through InceptionV3.
It is given its images decoded and resized in memory. Ours augments on disk, sends each image through the network once,
and trains on what came out. The slow way is timed for some steps and extrapolated, since it takes a day.
"""

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import engines
import numpy as np
import side_by_side
from clones import PROJECT
from huskies.backbone import network
from huskies.images import codec, manifest
from huskies.job import Job
from huskies.planning import params
from huskies.steps import augment
from huskies.training import fit
from speed_table import Line

CASE = "InceptionV3 to mixed8 at 299"
STEPS, BATCH, CLASSES = 15_000, 100, 10
# The article's bottlenecks; of these rows one in six is an original, the others are its five copies.
ROWS, FEATURES, FACTOR = 2000, 2048, 5
POLICY = [
    {"transform": "HorizontalFlip", "p": 0.5},
    {"transform": "Affine", "rotate": [-20, 20], "scale": [0.85, 1.2], "border_mode": 4},
    {"transform": "RandomBrightnessContrast", "brightness_limit": 0.1, "contrast_limit": 0.1},
]


def keras_layers(folder: Path, steps: int) -> Callable:
    """Return `steps` steps of `fit` with augmentation layers, the frozen backbone and a new last layer."""
    os.chdir(folder)
    import keras
    import tensorflow

    model, side = network.build(engines.parameters_of(CASE, "tensorflow", "float32"))
    model.trainable = False
    layers = keras.layers
    pixels = keras.Input((side, side, 3))
    augmented = pixels
    for layer in (
        layers.RandomFlip("horizontal", seed=1),
        layers.RandomRotation(20 / 360, seed=2),
        layers.RandomZoom((-0.2, 0.15), seed=3),
        layers.RandomBrightness(0.1, seed=4),
        layers.RandomContrast(0.1, seed=5),
    ):
        augmented = layer(augmented)
    features = model(network.preprocessing("InceptionV3")(augmented), training=False)
    head = keras.Model(pixels, layers.Dense(CLASSES, activation="softmax")(features))
    head.compile("adam", "sparse_categorical_crossentropy")
    files = manifest.read(Path("flowers", manifest.NAME))["file"].head(2 * BATCH)
    loaded = np.stack([codec.resize(codec.decode(Path("flowers", file).read_bytes()), side) for file in files])
    labels = np.arange(len(loaded)) % CLASSES
    dataset = tensorflow.data.Dataset.from_tensor_slices((loaded, labels)).shuffle(len(loaded)).repeat().batch(BATCH)
    head.fit(dataset, steps_per_epoch=1, verbose=0)
    return lambda: head.fit(dataset, steps_per_epoch=steps, verbose=0)


def copies(folder: Path, originals: int) -> Callable:
    """Return the stage augment for some originals, at factor 5."""
    os.chdir(folder)
    rows = manifest.read(Path("flowers", manifest.NAME)).head(originals)
    inputs = Path(tempfile.mkdtemp(dir="."))
    manifest.write(rows.assign(file="../flowers/" + rows["file"], label="flower"), inputs / manifest.NAME)
    # The stage writes beside `inputs`, where the names of its copies lead.
    output = Path(tempfile.mkdtemp(dir="."), "output")
    (output / "../flowers/flower").resolve().mkdir(parents=True)
    output.mkdir()
    settings = {"aug": {"factor": FACTOR, "seed": 1, "policy": POLICY}, "convert": {"quality": 95}}
    job = Job("augment", settings, {"split": inputs}, {}, {}, {}, None, {}, output, None, engines.CORES)
    augment.run(job)
    return lambda: augment.run(job)


def bottlenecks(folder: Path, count: int) -> Callable:
    """Return the stage bottlenecks_original for some images, by the engine and in the precision of `auto`."""
    os.chdir(folder)
    os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
    run = engines.stage(
        engines.parameters_of(CASE, "auto", "auto"), manifest.read(Path("flowers", manifest.NAME)).head(count)
    )
    run()
    return run


def training(steps: int) -> Callable:
    """Return the training of a head on the article's bottlenecks, its history included."""
    random = np.random.default_rng(0)
    labels = np.arange(ROWS) % CLASSES
    rows = (random.random((ROWS, FEATURES)) + labels[:, None] / CLASSES).astype(np.float32)
    held_out = rows[::10].copy(), labels[::10]
    settings = {**params.load(PROJECT / "params.yaml")["train"], "steps": steps, "batch_size": BATCH}
    settings |= {"scaling": "standardise", "l2": 0.01}

    def run(settings=settings) -> None:
        fit.fit((rows, labels), held_out, CLASSES, settings, "train_augmented")

    run({**settings, "steps": 100})
    return run


def measure(folder: Path, quick: bool) -> Iterator[Line]:
    """Yield the ratio of a step, and of the whole. folder: as benchmarks/engines.py makes it."""
    slow_steps, steps, originals, count = (1, 100, 8, 8) if quick else (50, STEPS, 200, 96)
    seconds = side_by_side.medians(
        {
            "on the fly": (keras_layers, folder, slow_steps),
            "augment": (copies, folder, originals),
            "bottlenecks": (bottlenecks, folder, count),
            "training": (training, steps),
        },
        1,
    )
    slow, fast = seconds["on the fly"].wall / slow_steps, seconds["training"].wall / steps
    yield Line("on the fly", "a step with augmentation layers and InceptionV3 in the loop", slow, "s")
    yield Line("on the fly", "a step on bottlenecks, the curves included", fast, "s")
    yield Line("on the fly", "a step on the fly against one on bottlenecks", slow / fast, "×", 1000)
    before = ROWS * FACTOR / (FACTOR + 1) * seconds["augment"].wall / (originals * FACTOR)
    before += ROWS * seconds["bottlenecks"].wall / count
    whole = before + STEPS * fast
    note = f"{STEPS * slow / 3600:.1f} h, extrapolated from {slow_steps} steps, against {whole:.0f} s"
    yield Line("on the fly", "15 000 steps, augment and bottlenecks included", STEPS * slow / whole, "×", note=note)
