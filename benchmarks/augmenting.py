"""augment: two cores against one, factor 5 → 10 against 10 from nothing, and albumentations against imgaug.

imgaug wants a numpy older than ours, so it has an environment of its own, which IMGAUG_PYTHON names; without it, that
comparison is left out: `python3.11 -m venv imgaug && imgaug/bin/pip install imgaug "numpy<2"`.
"""

import functools
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import clones
import numpy as np
import side_by_side
from huskies.images import codec, manifest
from huskies.planning import params
from speed_table import Line

SIDE = 299

_STAGE = """
import json, sys
from pathlib import Path
from huskies.steps import augment
from huskies.job import Job

settings = json.loads(sys.argv[1])
folder, output = Path(settings["folder"]), Path(settings["output"])
params = {"aug": settings["aug"], "convert": {"quality": 95}}
augment.run(Job("augment", params, {"split": folder}, {}, {}, {}, None, {}, output, None, settings["cores"]))
"""

# The same four operations by both libraries, one image after the other: a turn with a move and a zoom, a mirror,
# brightness with contrast, and noise. Each prints the images a second of one core, by processor time.
_ALBUMENTATIONS = """
import sys, time
import numpy as np
from huskies.augmentation import policy

augment = policy.build([
    {"transform": "Affine", "rotate": [-15, 15], "scale": [0.9, 1.1], "translate_percent": [-0.1, 0.1], "p": 1.0},
    {"transform": "HorizontalFlip", "p": 0.5},
    {"transform": "RandomBrightnessContrast", "brightness_limit": 0.2, "contrast_limit": 0.2, "p": 1.0},
    {"transform": "GaussNoise", "std_range": [0.02, 0.04], "p": 1.0},
])
photos = np.load(sys.argv[1])
augment(photos[0], 0)
start = time.process_time()
for seed, photo in enumerate(photos):
    augment(photo, seed)
print(len(photos) / (time.process_time() - start))
"""
_IMGAUG = """
import sys, time
import numpy as np
import cv2, imgaug
import imgaug.augmenters as iaa

cv2.setNumThreads(0)
augment = iaa.Sequential([
    iaa.Affine(rotate=(-15, 15), scale=(0.9, 1.1), translate_percent=(-0.1, 0.1)),
    iaa.Fliplr(0.5),
    iaa.Sequential([iaa.Add((-51, 51)), iaa.LinearContrast((0.8, 1.2))]),
    iaa.AdditiveGaussianNoise(scale=(0.02 * 255, 0.04 * 255), per_channel=True),
])
photos = np.load(sys.argv[1])
augment(image=photos[0])
start = time.process_time()
for photo in photos:
    augment(image=photo)
print(len(photos) / (time.process_time() - start))
"""


def photos(shared: Path) -> dict[str, np.ndarray]:
    """Return the 210 flower photos, RGB, uint8, SIDE × SIDE × 3, by name."""
    paths = sorted((shared / "data/flowers").glob("*.png"))
    return {path.stem: codec.resize(codec.decode(path.read_bytes()), SIDE) for path in paths}


def write_photos(shared: Path, folder: Path) -> None:
    """Write the photos as the stage split would, all of them to be trained on."""
    (folder / "flower").mkdir(parents=True)
    rows = []
    for name, photo in photos(shared).items():
        jpeg = codec.encode(photo, 95)
        file, sha256 = f"flower/train_{name}.jpg", codec.sha256(jpeg)
        (folder / file).write_bytes(jpeg)
        rows.append({"file": file, "label": "flower", "split": "train", "source_sha256": sha256, "sha256": sha256})
    manifest.write(manifest.make(rows), folder / manifest.NAME)


def two_cores(shared: Path, factor: int, repetitions: int) -> tuple[float, float]:
    """Return how many times faster the stage's process is on two cores than on one, start and imports included.

    And how many times faster two such processes of one core are at once than one after the other: what the machine's
    second core is worth where nothing is shared.
    """
    with tempfile.TemporaryDirectory() as name:
        clone, folder = clones.clone(Path(name)), Path(name, "photos")
        write_photos(shared, folder)
        aug = {**params.load(clone / "params.yaml")["aug"], "factor": factor}
        peers = {}
        for cores in (1, 2):
            output = Path(name, f"by {cores}")
            output.mkdir()
            settings = {"folder": str(folder), "output": str(output), "aug": aug, "cores": cores}
            command = (sys.executable, "-c", _STAGE, json.dumps(settings))
            peers[str(cores)] = (functools.partial, clones.run, clone, *command)
        second = Path(name, "beside by 1")
        second.mkdir()
        alone = {**settings, "cores": 1}
        both = [
            (sys.executable, "-c", _STAGE, json.dumps({**alone, "output": str(output)}))
            for output in (Path(name, "by 1"), second)
        ]
        peers["at once"] = (functools.partial, at_once, clone, *both)
        seconds = side_by_side.medians(peers, repetitions)
    return seconds["1"].wall / seconds["2"].wall, 2 * seconds["1"].wall / seconds["at once"].wall


def at_once(clone: Path, *commands: tuple[str, ...]) -> None:
    """Run the commands in the clone side by side."""
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda command: clones.run(clone, *command), commands))


def against_imgaug(shared: Path, repetitions: int) -> float:
    """Return how many times more images a second of one core albumentations makes than imgaug."""
    speeds: dict[str, list[float]] = {_ALBUMENTATIONS: [], _IMGAUG: []}
    pythons = {_ALBUMENTATIONS: sys.executable, _IMGAUG: os.environ["IMGAUG_PYTHON"]}
    with tempfile.TemporaryDirectory() as name:
        clone, file = clones.clone(Path(name)), Path(name, "photos.npy")
        np.save(file, np.stack(list(photos(shared).values())))
        for _ in range(repetitions):
            for program, python in pythons.items():
                speeds[program].append(float(clones.run(clone, python, "-W", "ignore", "-c", program, str(file))))
    return statistics.median(speeds[_ALBUMENTATIONS]) / statistics.median(speeds[_IMGAUG])


def measure(shared: Path, quick: bool) -> Iterator[Line]:
    """Yield two cores against one, and albumentations against imgaug."""
    repetitions = 1 if quick else 3
    for factor in (1, 2) if quick else (5, 20):
        ratio, limit = two_cores(shared, factor, repetitions)
        note = f"two processes of one core at once: {limit:.2f} ×"
        what = f"two cores against one, factor {factor}, process and imports included"
        yield Line("augment", what, ratio, "×", at_least=1.8, note=note)
    what = "against imgaug, same operations"
    if "IMGAUG_PYTHON" in os.environ:
        yield Line("augment", what, against_imgaug(shared, repetitions), "×", at_least=1.5)
    else:
        note = "left out: IMGAUG_PYTHON does not name a Python that has imgaug; see benchmarks/augmenting.py"
        yield Line("augment", what, float("nan"), "", note=note)


def flow_seconds(folder: Path, factor: int) -> float:
    """Return how many seconds `snakemake metrics` takes in a clone with this factor."""
    clones.set_parameters(folder, aug={"factor": factor})
    start = time.perf_counter()
    clones.run(folder, "snakemake", "--cores", "all", "metrics")
    return time.perf_counter() - start


def measure_larger_factor() -> Iterator[Line]:
    """Yield the time from factor 5 to factor 10 against that of factor 10 from nothing, each once."""
    with tempfile.TemporaryDirectory() as name:
        # Each has a folder of its own, for the caches lie beside the clone.
        grown, fresh = clones.clone(Path(name, "grown")), clones.clone(Path(name, "fresh"))
        flow_seconds(grown, 5)
        after, nothing = flow_seconds(grown, 10), flow_seconds(fresh, 10)
    what = "factor 5 → 10 against factor 10 from nothing"
    yield Line("augment", what, after / nothing, "×", at_most=0.55, note=f"{after:.1f} s")
