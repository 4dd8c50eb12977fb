"""augment: two cores against one, factor 5 → 10 against 10 from nothing, and albumentations against imgaug.

Run in the project's folder: `HUSKIES_SHARED=../shared .venv/bin/python benchmarks/augmenting.py`. It takes some
minutes and writes benchmarks/augmenting.md and benchmarks/augmenting.csv. imgaug wants a numpy older than ours, so it
has an environment of its own, which IMGAUG_PYTHON names; without it, that comparison is left out:
`python3.11 -m venv imgaug && imgaug/bin/pip install imgaug "numpy<2"`.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from huskies import images, manifest
from ruamel.yaml import YAML

PROJECT = Path(__file__).parent.parent.resolve()
CORES = len(os.sched_getaffinity(0))
SIDE = 299

_STAGE = """
import json, sys
from pathlib import Path
from huskies import augment
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
from huskies import policy

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


def shared() -> Path:
    """Return the folder with the photos."""
    return Path(os.environ["HUSKIES_SHARED"]).resolve()


def write_photos(folder: Path, side: int = SIDE) -> None:
    """Write the 210 flower photos at side × side pixels as the stage split would, all of them to be trained on."""
    (folder / "flower").mkdir(parents=True)
    rows = []
    for path in sorted((shared() / "data/flowers").glob("*.png")):
        jpeg = images.encode(images.resize(images.decode(path.read_bytes()), side), 95)
        file, sha256 = f"flower/train_{path.stem}.jpg", images.sha256(jpeg)
        (folder / file).write_bytes(jpeg)
        rows.append({"file": file, "label": "flower", "split": "train", "source_sha256": sha256, "sha256": sha256})
    manifest.write(manifest.make(rows), folder / manifest.NAME)


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(PROJECT / "workflow")}


def stage_seconds(folder: Path, factor: int, cores: int) -> float:
    """Return how long the stage takes, from the start of its process, on the photos in `folder`."""
    aug = {**YAML(typ="safe").load(PROJECT / "params.yaml")["aug"], "factor": factor}
    with tempfile.TemporaryDirectory() as output:
        settings = {"folder": str(folder), "output": output, "aug": aug, "cores": cores}
        command = [sys.executable, "-c", _STAGE, json.dumps(settings)]
        start = time.perf_counter()
        subprocess.run(command, env=_environment(), check=True, stderr=subprocess.DEVNULL)
        return time.perf_counter() - start


def two_cores(factors: tuple[int, ...] = (5, 20), sides: tuple[int, ...] = (128, SIDE), repetitions: int = 3) -> dict:
    """Return the median seconds of the stage on one core and on two, and their ratio, for each factor and side."""
    result: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as name:
        for side in sides:
            folder = Path(name, str(side))
            write_photos(folder, side)
            for factor in factors:
                measured: dict[int, list[float]] = {1: [], 2: []}
                for _ in range(repetitions):
                    for cores, seconds in measured.items():
                        seconds.append(stage_seconds(folder, factor, cores))
                one, two = (statistics.median(seconds) for seconds in measured.values())
                what = f"{side} pixels, factor {factor}"
                result |= {f"{what}, one core": one, f"{what}, two cores": two, f"{what}, ratio": one / two}
    return result


def against_imgaug(repetitions: int = 5) -> dict[str, float]:
    """Return images a second of one core for albumentations and imgaug, the same operations at 299 pixels.

    Empty without IMGAUG_PYTHON.
    """
    if "IMGAUG_PYTHON" not in os.environ:
        return {}
    photos = [
        images.resize(images.decode(path.read_bytes()), SIDE)
        for path in sorted((shared() / "data/flowers").glob("*.png"))
    ]
    measured: dict[str, list[float]] = {"albumentations": [], "imgaug": []}
    programs = {
        "albumentations": (sys.executable, _ALBUMENTATIONS),
        "imgaug": (os.environ["IMGAUG_PYTHON"], _IMGAUG),
    }
    with tempfile.TemporaryDirectory() as name:
        np.save(Path(name, "photos.npy"), np.stack(photos))
        for _ in range(repetitions):
            for library, (python, program) in programs.items():
                command = [python, "-W", "ignore", "-c", program, str(Path(name, "photos.npy"))]
                done = subprocess.run(command, env=_environment(), check=True, capture_output=True, text=True)
                measured[library].append(float(done.stdout))
    speeds = {library: statistics.median(found) for library, found in measured.items()}
    return {**speeds, "ratio": speeds["albumentations"] / speeds["imgaug"]}


def clone(folder: Path, factor: int) -> None:
    """Write a clone of the project with this factor, nothing built."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    for file in filter(None, listed):
        if (PROJECT / file).is_file() and file != "dvc.lock":
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(PROJECT / file, folder / file)
    set_factor(folder, factor)
    somebody = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
    for command in (["init", "--quiet"], ["add", "--all"], [*somebody, "commit", "--quiet", "--message", "A clone"]):
        subprocess.run(["git", *command], cwd=folder, check=True)


def set_factor(folder: Path, factor: int) -> None:
    """Write aug.factor into the params.yaml of a clone."""
    yaml = YAML()
    params = yaml.load(folder / "params.yaml")
    params["aug"]["factor"] = factor
    yaml.dump(params, folder / "params.yaml")


def run_flow(folder: Path, cache: Path) -> float:
    """Return how many seconds `snakemake metrics` takes in a clone, with its own store of bottlenecks in `cache`."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(folder / "workflow"),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "XDG_CACHE_HOME": str(cache),
    }
    start = time.perf_counter()
    command = ["snakemake", "--cores", str(CORES), "metrics"]
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
    return time.perf_counter() - start


def growing_factor(repetitions: int = 1) -> dict[str, float]:
    """Return the median seconds of factor 10 after factor 5, of factor 10 from nothing, and their ratio."""
    grown, fresh = [], []
    for _ in range(repetitions):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            clone(folder / "grown", 5)
            run_flow(folder / "grown", folder / "cache")
            set_factor(folder / "grown", 10)
            grown.append(run_flow(folder / "grown", folder / "cache"))
            clone(folder / "fresh", 10)
            fresh.append(run_flow(folder / "fresh", folder / "other cache"))
    after, nothing = statistics.median(grown), statistics.median(fresh)
    return {"5 to 10": after, "10 from nothing": nothing, "ratio": after / nothing}


def report(found: dict[str, dict[str, float]]) -> str:
    """Return the result as Markdown."""
    lines = ["# augment", "", f"By `benchmarks/augmenting.py` on {CORES} cores; medians.", ""]
    lines += ["| measurement | what | value |", "|---|---|---|"]
    lines += [f"| {name} | {what} | {value:.3g} |" for name, part in found.items() for what, value in part.items()]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure everything and write the result."""
    found = {
        "seconds, two cores": two_cores(),
        "images a second, one core": against_imgaug(),
        "seconds, factor": growing_factor(),
    }
    rows = [(name, what, value) for name, part in found.items() for what, value in part.items()]
    table = pd.DataFrame(rows, columns=["measurement", "what", "value"])
    table.to_csv(PROJECT / "benchmarks/augmenting.csv", index=False, float_format="%.6g", lineterminator="\n")
    (PROJECT / "benchmarks/augmenting.md").write_text(report(found), encoding="utf-8")
    print(report(found))


if __name__ == "__main__":
    main()
