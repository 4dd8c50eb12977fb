"""Photos of 12 megapixels from raw files to metrics.json: now, before they were reduced while decoding, and by Keras.

The commits are built from nothing in clones with empty caches, in turns, MobileNetV2 at 224 and factor 5. The commit of
before, 36dc331, has to be in the clone this is run in. A few photos, to see that it works:
`HUSKIES_SHARED=../shared .venv/bin/python benchmarks/photos.py --photos 60 --folder FOLDER`; FOLDER keeps them.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import clones
import engines
import photo_set
import psutil
from huskies.images import manifest
from process_cost import Cost, timed
from speed_table import Line, as_row

# The last commit that decoded every pixel and kept 1024 of them a side.
BEFORE = "36dc331"
COMMITS = {"before": BEFORE, "now": "HEAD"}
PHOTOS, SIDE, FACTOR, EPOCHS = 500, 224, 5, 10
POLICY = [
    {"transform": "HorizontalFlip", "p": 0.5},
    {"transform": "Affine", "rotate": [-15, 15], "scale": [0.87, 1.17], "border_mode": 4, "p": 1.0},
]
STAGES = ("convert", "group", "split", "augment", "bottlenecks_original", "bottlenecks_augmented", "train_augmented")


class Run(NamedTuple):
    """What a commit made of the photos: costs by stage and of `all`, bytes by folder, metrics.json."""

    costs: dict[str, Cost]
    sizes: dict[str, int]
    metrics: dict[str, Any]


def link(photos: Path, paths: Iterable[str], folder: Path) -> None:
    """Link photos into a folder, under the same paths."""
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        os.link(photos / path, folder / path)


def clone(folder: Path, commit: str, shared: Path, photos: Path, precision: str) -> Path:
    """Return a clone of the project at a commit, with the photos and the backbone."""
    target = clones.clone(folder, commit)
    (target / ".venv").symlink_to(clones.PROJECT / ".venv")
    link(photos, (path.relative_to(photos) for path in photos.glob("*/*.jpg")), target / "photos")
    shutil.copy(shared / "keras/models" / engines.MOBILENET_V2, target / "backbones")
    backbone = {"name": "MobileNetV2", "arguments": {}, "weights": engines.MOBILENET_V2, "input_size": SIDE}
    clones.set_parameters(
        target,
        raw="photos",
        split={"validation": 0.2, "test": 0.2},
        backbone={**backbone, "precision": precision},
        aug={"policy": POLICY, "factor": FACTOR},
        leaks={"action": "warn"},
    )
    return target


def size(folder: Path) -> int:
    """Return the bytes of all files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def once(target: Path) -> Run:
    """Build the metrics in a clone."""
    costs: dict[str, Cost] = {}
    command = (str(target / ".venv/bin/snakemake"), "--cores", "all", "metrics")
    costs["all"] = timed(target, *command, ended=lambda stage, cost: costs.update({stage: cost}))
    sizes = {"data": size(target / "data"), "DVC": size(target / ".dvc/cache")}
    sizes["data"] -= size(target / "data/digits")
    return Run(costs, sizes, json.loads((target / "data/metrics/metrics.json").read_text()))


def by_keras(target: Path, photos: Path, shared: Path, accuracy: float) -> tuple[Cost, int, float]:
    """Return (cost, epochs, validation accuracy) of `fit` on the training and validation photos of a clone."""
    folder = target.parent / "keras"
    for row in manifest.read(target / "data/split" / manifest.NAME).itertuples():
        if row.split != "test":
            link(photos, [row.source], folder / row.split)
    program = clones.PROJECT / "benchmarks/photos_by_keras.py"
    weights = shared / "keras/models" / engines.MOBILENET_V2
    command = [sys.executable, "-W", "ignore", program, folder, weights, SIDE, EPOCHS, accuracy]
    start, before = time.perf_counter(), os.times()
    done = subprocess.run([str(each) for each in command], check=True, capture_output=True, text=True)
    after = os.times()
    cost = Cost(time.perf_counter() - start, sum(after[2:4]) - sum(before[2:4]), 0)
    return cost, *json.loads(done.stdout.splitlines()[-1])


def ratio(what: str, before: list[Cost], now: list[Cost], at_least: float | None = None, note: str = "") -> Line:
    """Return the line of how many times faster something is now, by medians."""
    wall, processor = (
        [statistics.median(getattr(cost, kind) for cost in costs) for costs in (before, now)]
        for kind in ("wall", "processor")
    )
    said = f"{wall[0]:.1f} → {wall[1]:.1f} s; {processor[0] / processor[1]:.2f} × by processor time"
    return Line("photos", what, wall[0] / wall[1], "×", at_least, note=f"{said}{note}")


def together(run: Run, *stages: str) -> Cost:
    """Return what stages cost together."""
    return Cost(*(sum(getattr(run.costs[stage], field) for stage in stages) for field in Cost._fields))


def measure(shared: Path, count: int, repetitions: int, precision: str, kept: Path | None = None) -> Iterator[Line]:
    """Yield the lines. kept: a folder that keeps the photos, or None."""
    title = f"{count} photos, {precision}"
    with tempfile.TemporaryDirectory(prefix="photos-") as name:
        kept, photos = kept or Path(name, "kept"), Path(name, "photos")
        link(kept, photo_set.make(shared, kept, count, engines.CORES), photos)
        runs: dict[str, list[Run]] = {commit: [] for commit in COMMITS}
        for repetition in range(repetitions):
            for commit, revision in COMMITS.items():
                target = clone(Path(name, f"{commit}{repetition}"), revision, shared, photos, precision)
                runs[commit].append(once(target))
        yield from against_before(title, *runs.values())
        aim = runs["now"][-1].metrics["augmented"]["val_accuracy"]
        keras, epochs, reached = by_keras(target, photos, shared, aim)
        note = f"; {epochs} epochs to {reached:.1%}, ours {aim:.1%}"
        whole = [run.costs["all"] for run in runs["now"]]
        yield ratio(f"{title}: raw photos to metrics.json, Keras against now", [keras], whole, 3, note)


def against_before(title: str, before: list[Run], now: list[Run]) -> Iterator[Line]:
    """Yield the lines of the stages, of all, of the bytes and of the accuracies."""
    for stage in STAGES:
        costs = [[run.costs[stage] for run in each] for each in (before, now)]
        yield ratio(f"{title}: {stage}", *costs, at_least=4 if stage == "convert" else None)
    pair = ("augment", "bottlenecks_augmented")
    both = [[together(run, *pair) for run in each] for each in (before, now)]
    yield ratio(f"{title}: augment and bottlenecks_augmented", *both, at_least=4)
    whole = [[run.costs["all"] for run in each] for each in (before, now)]
    yield ratio(f"{title}: raw photos to metrics.json", *whole, at_least=3)
    for folder in now[0].sizes:
        sizes = [each[0].sizes[folder] for each in (before, now)]
        note = f"{sizes[0] / 1e6:.0f} → {sizes[1] / 1e6:.0f} MB"
        yield Line("photos", f"{title}: bytes of {folder}", sizes[1] / sizes[0], "×", at_most=0.25, note=note)
    for head in ("baseline", "augmented"):
        (old, new) = (each[0].metrics[head] for each in (before, now))
        note = f"{old['val_accuracy']:.1%} before, {old['val_accuracy_low']:.1%} to {old['val_accuracy_high']:.1%}"
        yield Line("photos", f"{title}: accuracy, {head}", 100 * new["val_accuracy"], "%", note=note)


def main() -> None:
    """Measure, and print the lines; nothing is written."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=PHOTOS)
    parser.add_argument("--repetitions", type=int, default=1)
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--folder", type=Path, help="keeps the photos between runs")
    arguments = parser.parse_args()
    shared, folder = Path(os.environ["HUSKIES_SHARED"]).resolve(), arguments.folder
    load = psutil.getloadavg()[0]
    print(f"load of the machine before: {load:.1f}")
    for line in measure(shared, arguments.photos, arguments.repetitions, arguments.precision, folder):
        print(*as_row("photos", line).values(), sep="\t", flush=True)


if __name__ == "__main__":
    main()
