"""The engines of the bottlenecks: are their features those of TensorFlow in float32, and what is run to time them.

Run in the project's folder: `HUSKIES_SHARED=../shared .venv/bin/python benchmarks/engines.py`. It takes some minutes
and writes how near their features are to benchmarks/engines.md and benchmarks/engines.csv. It needs what
requirements/int8.txt has. How fast they are is measured by benchmarks/against_predict.py, which runs the peers below.
"""

import argparse
import functools
import os
import platform
import tempfile
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from itertools import chain
from multiprocessing import get_context
from pathlib import Path
from typing import Any

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np
import pandas as pd
import threadpoolctl
from clones import PROJECT
from huskies import cache_file
from huskies.backbone import engine, inference, network, openvino_engine, store
from huskies.images import codec, manifest
from huskies.job import Job
from huskies.statistics import intervals
from huskies.steps import bottlenecks
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

TABLE = PROJECT / "benchmarks/engines.csv"
CORES = len(os.sched_getaffinity(0))
# Of the images that are not trained on in every split, so many are held out.
SPLITS, HELD_OUT = 20, 0.4
MOBILENET_V2 = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5"
MOBILENET = "mobilenet_7_5_224_tf_no_top.h5"
INCEPTION_V3 = "inception_v3_notop_to_mixed8.weights.h5"
# (architecture, arguments, weights, layer, side, images to time)
CASES = {
    "bundled MobileNet at 96": ("MobileNet", {"alpha": 0.5}, "mini.weights.h5", None, 96, 3328),
    "MobileNetV2 at 96": ("MobileNetV2", {}, MOBILENET_V2, None, 96, 3328),
    "MobileNetV2 at 224": ("MobileNetV2", {}, MOBILENET_V2, None, 224, 1664),
    "MobileNet 0.75 at 224": ("MobileNet", {"alpha": 0.75}, MOBILENET, None, 224, 1664),
    "InceptionV3 to mixed8 at 299": ("InceptionV3", {}, INCEPTION_V3, "mixed8", 299, 416),
}
# What fidelity is measured on: (backbone, images).
PAIRS = [("bundled MobileNet at 96", "digits"), *((case, "flowers") for case in CASES)]
# What takes turns: (what is timed, engine, precision).
PEERS = {
    "Keras predict": ("predict", None, None),
    "OpenVINO float32": ("stage", "openvino", "float32"),
    "OpenVINO bfloat16": ("stage", "openvino", "bfloat16"),
    "OpenVINO int8": ("stage", "openvino", "int8"),
    "OpenVINO float32, from memory": ("memory", "openvino", "float32"),
    "OpenVINO bfloat16, from memory": ("memory", "openvino", "bfloat16"),
    "OpenVINO int8, from memory": ("memory", "openvino", "int8"),
}
# What comes before any engine.
DECODING = "decoding and resizing"


def parameters_of(case: str, engine_name: str, precision: str) -> dict[str, Any]:
    """Return the section `backbone` of params.yaml for a case."""
    name, arguments, weights, layer, side, _ = CASES[case]
    network = {"name": name, "arguments": arguments, "weights": weights, "layer": layer, "input_size": side}
    return {**network, "engine": engine_name, "precision": precision}


def write_flowers(shared: Path, folder: Path) -> None:
    """Write the 210 flower photos as JPEGs, the upright ones first, then turned, mirrored and as negatives.

    There are sixteen times as many in all, so that what a run does once counts little on a fast processor.
    """
    labels = pd.read_csv(shared / "data/flowers/flower_labels.csv").set_index("file")["label"]
    photos = [
        (f"flower/train_{turn}_{path.stem}.jpg", str(labels[path.name]), path, turn)
        for turn in range(16)
        for path in sorted((shared / "data/flowers").glob("*.png"))
    ]
    write_images(folder, photos)


def write_digits(folder: Path) -> None:
    """Write the digits of the sample as JPEGs."""
    paths = sorted((PROJECT / "data/digits").glob("*/*.png"))
    write_images(folder, [(f"digit/train_{path.stem}.jpg", path.parent.name, path, 0) for path in paths])


def write_images(folder: Path, pictures: list[tuple[str, str, Path, int]]) -> None:
    """Write (name, label, path of a picture, turn) as JPEGs with a manifest."""
    rows = []
    for file, label, path, turn in pictures:
        pixels = np.rot90(codec.decode(path.read_bytes()), turn)
        pixels = pixels[:, ::-1] if turn & 4 else pixels
        jpeg = codec.encode(np.ascontiguousarray(255 - pixels if turn & 8 else pixels), 95)
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(jpeg)
        sha256 = codec.sha256(jpeg)
        # Half of the upright ones are trained on always, and calibrate int8.
        split = "train" if turn == 0 and sha256 < "8" else "val"
        rows.append({"file": file, "label": label, "split": split, "source_sha256": sha256, "sha256": sha256})
    manifest.write(manifest.make(rows), folder / manifest.NAME)


def prepared_folder(folder: Path, shared: Path) -> Path:
    """Return the folder with backbones/ and flowers/, which the functions below take, made from what is shared."""
    (folder / "backbones").mkdir()
    for weights in (
        PROJECT / "backbones/mini.weights.h5",
        shared / "keras/models" / MOBILENET_V2,
        shared / "keras/models" / MOBILENET,
        shared / "weights" / INCEPTION_V3,
    ):
        (folder / "backbones" / weights.name).symlink_to(weights)
    write_flowers(shared, folder / "flowers")
    return folder


def prepared(folder: Path, case: str, peer: str) -> Callable:
    """Return what a peer runs on a case, after a first run, in the folder that has backbones/ and flowers/."""
    os.chdir(folder)
    os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
    photos = manifest.read(Path("flowers", manifest.NAME)).head(CASES[case][-1])
    kind, engine_name, precision = PEERS.get(peer, (peer, None, None))
    if kind == DECODING:
        run = decoding(CASES[case][-2], photos)
    elif kind == "predict":
        run = keras_predict(case, [str(Path("flowers", file)) for file in photos["file"]])
    elif kind == "stage":
        run = stage(parameters_of(case, engine_name, precision), photos)
    else:
        run = from_memory(parameters_of(case, engine_name, precision), photos)
    run()
    return run


def keras_predict(case: str, files: list[str]) -> Callable:
    """Return what a user of Keras would write: tf.data decodes in parallel, and predict has all threads."""
    import tensorflow

    parameters = parameters_of(case, "tensorflow", "float32")
    model, side = network.build(parameters)
    preprocess = network.preprocessing(parameters["name"])

    def read(file):
        pixels = tensorflow.io.decode_jpeg(tensorflow.io.read_file(file), channels=3)
        return preprocess(tensorflow.image.resize(pixels, (side, side), "bicubic"))

    automatic = tensorflow.data.AUTOTUNE
    dataset = tensorflow.data.Dataset.from_tensor_slices(files).map(read, automatic).batch(32).prefetch(automatic)
    return lambda: np.save("predicted.npy", model.predict(dataset, verbose=0))


def stage(parameters: dict[str, Any], photos: pd.DataFrame) -> Callable:
    """Return the stage bottlenecks_original as it is, with an empty store of bottlenecks."""
    folder = Path(tempfile.mkdtemp(dir="."))
    manifest.write(photos.assign(file="../flowers/" + photos["file"]), folder / manifest.NAME)
    code = defaultdict(str)
    settings = {"backbone": parameters, "convert": {"max_side": 0}}
    job = Job("bottlenecks_original", settings, {"split": folder}, {}, code, {}, None, {}, folder, None, CORES)

    def run() -> None:
        for path in cache_file.cache_folder().glob(f"{store.NAME}*"):
            path.unlink()
        bottlenecks.run(job)

    return run


def from_memory(parameters: dict[str, Any], photos: pd.DataFrame) -> Callable:
    """Return the engine alone, on pixels that are decoded and resized beforehand."""
    split, trace = Path("flowers"), functools.partial(network.trace, parameters)
    infer, side, size = engine.load(inference.settle(parameters, split), CORES, trace, inference.BATCH, split)
    pixels = np.stack([codec.resize(codec.decode((split / file).read_bytes()), side) for file in photos["file"]])
    whole = np.split(pixels[: len(pixels) // size * size], len(pixels) // size)

    def run() -> None:
        with ThreadPoolExecutor(CORES) as pool:
            list(pool.map(infer, whole))

    return run


def decoding(side: int, photos: pd.DataFrame) -> Callable:
    """Return what every engine needs done before: files read, checked, decoded and resized, on all cores."""

    def pixels(photo: Any) -> np.ndarray:
        return codec.resize(codec.decode_jpeg(codec.read_checked(Path("flowers", photo.file), photo.sha256)), side)

    def run() -> None:
        with ThreadPoolExecutor(CORES) as pool:
            for _ in pool.map(pixels, photos.itertuples()):
                pass

    return run


def features(folder: Path, case: str, kind: str) -> dict[str, np.ndarray]:
    """Return the features of the upright images by TensorFlow in float32 and by OpenVINO in each precision."""
    os.chdir(folder)
    os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
    files = [(Path(kind, row.file), row.sha256) for row in upright(folder / kind).itertuples()]
    precisions = ["float32", *(each for each in openvino_engine.precisions() if each != "float32"), "int8"]
    engines = [("tensorflow", "float32"), *(("openvino", each) for each in precisions)]
    return {
        f"{name} {precision}": np.concatenate(
            [rows for _, rows in inference.compute(parameters_of(case, name, precision), files, CORES, Path(kind))]
        )
        for name, precision in engines
    }


def upright(folder: Path) -> pd.DataFrame:
    """Return the rows of the images that are not turned."""
    rows = manifest.read(folder / manifest.NAME)
    return rows if folder.name == "digits" else rows.head(210)


def accuracies(rows: np.ndarray, labels: np.ndarray, always: np.ndarray) -> np.ndarray:
    """Return the accuracy of a logistic regression on standardised features, for each of the splits.

    always: bool, whether an image is trained on in every split. HELD_OUT of the others are held out.
    """
    fixed, others = np.flatnonzero(always), np.flatnonzero(~always)
    splits = StratifiedShuffleSplit(SPLITS, test_size=HELD_OUT, random_state=0)
    found = []
    with threadpoolctl.threadpool_limits(1):
        for train, held_out in splits.split(others, labels[others]):
            train, held_out = np.concatenate([fixed, others[train]]), others[held_out]
            head = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=1000))
            found.append(head.fit(rows[train], labels[train]).score(rows[held_out], labels[held_out]))
    return np.array(found)


def fidelity(folder: Path, case: str, kind: str) -> list[dict[str, Any]]:
    """Return, for each engine and precision, cosines to TensorFlow in float32, accuracy, and its difference."""
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        found = process.submit(features, folder, case, kind).result()
    described = upright(folder / kind)
    labels, always = described["label"].to_numpy(str), (described["split"] == "train").to_numpy()
    reference = found["tensorflow float32"]
    before = accuracies(reference, labels, always)
    lines = []
    for name, rows in found.items():
        lengths = np.linalg.norm(rows, axis=1) * np.linalg.norm(reference, axis=1)
        cosines = (rows * reference).sum(axis=1) / lengths
        after = accuracies(rows, labels, always)
        # What is trained on always makes no split unlike another, so it is left out of the ratio.
        between = intervals.resampled_mean(after - before, HELD_OUT / (1 - HELD_OUT))
        lines.append(
            {
                "backbone": case,
                "images": kind,
                "engine": name,
                "least cosine": cosines.min(),
                "median cosine": np.median(cosines),
                "accuracy": after.mean(),
                "difference": (after - before).mean(),
                "low": between[0] if between else 0.0,
                "high": between[1] if between else 0.0,
            }
        )
    return lines


def report(faithful: pd.DataFrame) -> str:
    """Return the lines of `fidelity` as Markdown."""
    lines = [
        "# Engines of the bottlenecks",
        "",
        f"By `benchmarks/engines.py` on {processor()}, {CORES} cores. Fidelity: 210 flower photos or the 1797 digits,",
        "against TensorFlow in float32; OpenVINO gives the same bits in any batch. Half of the images are trained on",
        "always, and int8 is calibrated on them (on 300 at most); of the others, 40 % are held out. Accuracy of a",
        f"logistic regression on standardised features, mean of {SPLITS} such splits; the difference of accuracy with",
        "its 95 % interval (Nadeau and Bengio); the head is unchanged where that holds 0. `auto` goes by the",
        "least cosine on fixed pictures, "
        + ", ".join(f"{least} for {precision}" for precision, least in engine.FAITHFUL.items())
        + ", and never takes int8.",
        "How fast the engines are is in docs/performance.md.",
        "",
        "| backbone | images | engine | least cosine | median cosine | accuracy | difference, points | the head |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row.backbone} | {row.images} | {row.engine} | {row.least_cosine:.6f} | {row.median_cosine:.6f} | "
        f"{row.accuracy:.1%} | {100 * row.difference:+.2f} ({100 * row.low:+.2f} to {100 * row.high:+.2f}) | "
        f"{'worse' if row.high < 0 else 'better' if row.low > 0 else 'unchanged'} |"
        for row in faithful.rename(columns=lambda name: name.replace(" ", "_")).itertuples()
    ]
    return "\n".join(lines) + "\n"


def processor() -> str:
    """Return the name of this processor, as the system says it."""
    named = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return named[0].partition(": ")[2] if named else platform.processor()


def main() -> None:
    """Measure all backbones and write the result."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    shared = Path(os.environ["HUSKIES_SHARED"]).resolve()
    with tempfile.TemporaryDirectory() as name:
        folder = prepared_folder(Path(name), shared)
        write_digits(folder / "digits")
        faithful = pd.DataFrame(list(chain.from_iterable(fidelity(folder, *pair) for pair in PAIRS)))
    text = report(faithful)
    (PROJECT / "benchmarks/engines.md").write_text(text, encoding="utf-8")
    faithful.to_csv(TABLE, index=False, float_format="%.6g", lineterminator="\n")
    print(text)


if __name__ == "__main__":
    main()
