"""Training the last layer: the loop of `train`, plain Keras `fit`, scikit-learn, and text bottlenecks, side by side.

Run in the project's folder: `.venv/bin/python benchmarks/training.py`. It takes some minutes and writes
benchmarks/training.md and benchmarks/training.csv. The peers have a process each and take turns, so that whatever
else the machine does meets all of them.
"""

import functools
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
from huskies import backbone, train

PROJECT = Path(__file__).parent.parent.resolve()
CORES = len(os.sched_getaffinity(0))
IMAGES, VALIDATION, DIMENSIONS, CLASSES, BATCH = 2000, 500, 2048, 10, 100
PARAMETERS = {
    "batch_size": BATCH,
    "optimizer": "adam",
    "learning_rate": 0.003,
    "dropout": 0.0,
    "l1": 0.0,
    "l2": 0.01,
    "class_balanced": False,
    "keep": "last",
}
BY_PROCESSOR = ", processor seconds"


@functools.cache
def rows(images: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (float32 features N × 2 048, int labels): ten overlapping classes, as skewed as pooled features are."""
    random = np.random.default_rng(seed)
    labels = np.arange(images) % CLASSES
    middles = np.random.default_rng(0).gamma(0.5, 1.0, (CLASSES, DIMENSIONS))
    return (random.gamma(0.5, 1.0, (images, DIMENSIONS)) + 0.11 * middles[labels]).astype(np.float32), labels


def ours(steps: int, seed: int, folder: Path) -> float:
    """Return the validation accuracy of the training of Two Huskies from a file, with its hundred evaluations."""
    features, labels = rows(IMAGES, 1)
    np.save(folder / "features.npy", features)
    mapped = np.load(folder / "features.npy", mmap_mode="r")
    parameters = {**PARAMETERS, "steps": steps, "seed": seed}
    _, history, *_ = train.fit((mapped, labels), rows(VALIDATION, 2), CLASSES, parameters, "training")
    return float(history["val_accuracy"].iloc[-1])


def keras_fit(steps: int, seed: int, folder: Path) -> float:
    """Return the validation accuracy of the same layers by plain `fit`, all in memory, evaluated once at the end."""
    os.environ["KERAS_BACKEND"], os.environ["TF_CPP_MIN_LOG_LEVEL"] = "tensorflow", "3"
    import keras

    keras.utils.set_random_seed(seed)
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
    return float(model.evaluate(*rows(VALIDATION, 2), verbose=0)[1])


def logistic_regression(steps: int, seed: int, folder: Path) -> float:
    """Return the validation accuracy of scikit-learn's LBFGS with the same penalty; it has no steps and no seed."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    # Keras adds l2 × Σw² to the mean loss; scikit-learn minimises Σ loss + Σw² / 2C.
    strength = 1 / (2 * PARAMETERS["l2"] * IMAGES)
    model = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=1000))
    return float(model.fit(*rows(IMAGES, 1)).score(*rows(VALIDATION, 2)))


def text_bottlenecks(steps: int, seed: int, folder: Path) -> float:
    """Read the batches of so many steps as TensorFlow's retrain.py does: a text file an image, parsed in each step.

    The files are written before, on the first call. Returns no accuracy: nothing is trained.
    """
    features, _ = rows(IMAGES, 1)
    for row, values in enumerate(features):
        path = folder / f"{row}.txt"
        if not path.exists():
            path.write_text(",".join(map(str, values)))
    for batch in np.random.default_rng(seed).integers(0, IMAGES, (steps, BATCH)):
        np.array([[float(value) for value in (folder / f"{row}.txt").read_text().split(",")] for row in batch])
    return float("nan")


PEERS: dict[str, Callable[[int, int, Path], float]] = {
    "ours": ours,
    "fit": keras_fit,
    "logistic regression": logistic_regression,
    "text bottlenecks": text_bottlenecks,
}


def _timed(peer: str, steps: int, seed: int, folder: Path) -> tuple[float, float, float]:
    """Return (seconds, processor seconds, accuracy) of a peer in this process."""
    start, start_of_work = time.perf_counter(), time.process_time()
    accuracy = PEERS[peer](steps, seed, folder)
    return time.perf_counter() - start, time.process_time() - start_of_work, accuracy


def _warm(peer: str, folder: Path) -> None:
    if peer == "ours":
        backbone.load_tensorflow()
    PEERS[peer](IMAGES // BATCH, 0, folder)


def measure(steps: int = 15000, repetitions: int = 3, text_steps: int = 20) -> dict[str, float]:
    """Return the median seconds, processor seconds and accuracy of each peer, and steps a second where it has steps.

    Each repetition has another seed. text_steps: how many steps the text bottlenecks are read for.
    """
    measured: dict[str, list[tuple[float, float, float]]] = {peer: [] for peer in PEERS}
    with tempfile.TemporaryDirectory() as name:
        for seed in range(repetitions):
            for peer, found in measured.items():
                # A process of its own: the threads that TensorFlow may use cannot be changed later.
                with ProcessPoolExecutor(1, get_context("spawn"), _warm, (peer, Path(name))) as process:
                    taken = text_steps if peer == "text bottlenecks" else steps
                    found.append(process.submit(_timed, peer, taken, seed, Path(name)).result())
    result: dict[str, float] = {}
    for peer, found in measured.items():
        seconds, work, accuracy = zip(*found, strict=True)
        result |= {f"{peer}, seconds": statistics.median(seconds), f"{peer}{BY_PROCESSOR}": statistics.median(work)}
        result |= {f"{peer}, accuracy": statistics.fmean(accuracy), f"{peer}, accuracy spread": np.ptp(accuracy)}
        if peer != "logistic regression":
            taken = text_steps if peer == "text bottlenecks" else steps
            result[f"{peer}, steps a second"] = taken / statistics.median(seconds)
    return result


def steps_per_second(steps: int = 15000, repetitions: int = 3) -> dict[str, float]:
    """Return the steps a second of `ours` and of `fit`, and how many times faster ours is (`ratio`)."""
    found = measure(steps, repetitions)
    speeds = {peer: found[f"{peer}, steps a second"] for peer in ("ours", "fit", "text bottlenecks")}
    return {**speeds, "ratio": speeds["ours"] / speeds["fit"]}


def report(found: dict[str, float]) -> str:
    """Return the result as Markdown."""
    lines = [
        "# Training",
        "",
        f"By `benchmarks/training.py` on {CORES} cores: {IMAGES} × {DIMENSIONS} features, batches of {BATCH}; medians",
        "of runs with another seed each, without imports. Ours evaluates all rows a hundred times on the way, `fit`",
        "once at the end; scikit-learn finds the optimum of the same loss, without steps.",
        "",
        "| peer | seconds | processor seconds | steps a second | against `fit` | validation accuracy | its spread |",
        "|---|---|---|---|---|---|---|",
    ]
    for peer in PEERS:
        speed = found.get(f"{peer}, steps a second", float("nan"))
        values = [
            found[f"{peer}, seconds"],
            found[f"{peer}{BY_PROCESSOR}"],
            speed,
            speed / found["fit, steps a second"],
        ]
        accuracy = f"{found[f'{peer}, accuracy']:.1%} | {found[f'{peer}, accuracy spread']:.1%}"
        lines.append(f"| {peer} | {' | '.join(f'{value:.3g}' for value in values)} | {accuracy} |")
    return "\n".join(lines).replace("nan%", "").replace("nan", "") + "\n"


def main() -> None:
    """Measure everything and write the result."""
    found = measure()
    table = pd.DataFrame(found.items(), columns=["what", "value"])
    table.to_csv(PROJECT / "benchmarks/training.csv", index=False, float_format="%.6g", lineterminator="\n")
    (PROJECT / "benchmarks/training.md").write_text(report(found), encoding="utf-8")
    print(report(found))


if __name__ == "__main__":
    main()
