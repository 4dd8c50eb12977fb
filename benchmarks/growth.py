"""How every stage, the store and DVC grow with the images, at factor 5: by default from 1 000 to 10 000 of them.

Run in the project's folder: `.venv/bin/python benchmarks/growth.py`. Every size is built by the real commands in a
clone of its own, of generated pictures, on the bundled network at 32 pixels. `--images 100000` measures a size that is
not measured by default; the comparison of every image with every other one, `group.near_duplicates`, is measured up to
10 000 images and no further. Each line is in benchmarks/growth.csv as soon as it is measured; `--report` writes
benchmarks/growth.md from what is there. Processor time is what to compare on a machine that does other work as well;
wall time is recorded beside it.
"""

import argparse
import itertools
import os
import shutil
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import clones
import cv2
import numpy as np
import pandas as pd
from clones import PROJECT
from huskies import atomic
from huskies.backbone import store
from process_cost import Cost, timed

RESULT, REPORT = PROJECT / "benchmarks/growth.csv", PROJECT / "benchmarks/growth.md"
CLASSES, SIDE, CELLS = 10, 64, 12
# Beyond this many, the comparison of every image with every other one is not asked of `group`.
NEAR_DUPLICATES_UP_TO = 10_000
COLUMNS = ["images", "what", "files", "wall_s", "cpu_s", "peak_mb", "bytes"]
# A stage's time for an image, startup aside, may grow by this much from one size to the next.
FLAT = 1.2


def picture(number: int) -> np.ndarray:
    """Return RGB, uint8, SIDE × SIDE × 3: a colour and a slope that say the class, under details of its own."""
    random = np.random.default_rng(number)
    angle = 2 * np.pi * (number % CLASSES) / CLASSES
    across, down = np.meshgrid(*2 * [np.linspace(-1, 1, SIDE)])
    slope = 30 * (np.cos(angle) * across + np.sin(angle) * down)
    colour = 128 + 40 * np.cos(angle + np.array([0, 2, 4]))
    details = cv2.resize(random.normal(0, 40, (CELLS, CELLS, 3)), (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    return np.clip(colour + slope[..., None] + details, 0, 255).astype(np.uint8)


def write_pictures(folder: Path, count: int) -> None:
    """Write `count` JPEGs in CLASSES folders; the same numbers are the same pictures at every size."""
    for label in range(CLASSES):
        (folder / f"class_{label}").mkdir(parents=True)

    def write(number: int) -> None:
        path = folder / f"class_{number % CLASSES}" / f"{number:06}.jpg"
        cv2.imwrite(str(path), picture(number)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 90])

    with ThreadPoolExecutor() as pool:
        list(pool.map(write, range(count)))


def make_clone(folder: Path, count: int) -> Path:
    """Return a clone of the project's last commit with `count` generated pictures, four in five of them trained on."""
    clone = clones.clone(folder)
    write_pictures(clone / "pictures", count)
    (clone / ".gitignore").open("a", encoding="utf-8").write("/pictures/\n")
    clones.set_parameters(
        clone,
        raw="pictures",
        group={"near_duplicates": False},
        split={"validation": 0.1, "test": 0.1},
        backbone={"input_size": 32, "engine": "openvino", "precision": "float32"},
        leaks={"action": "warn"},
    )
    clones.run(clone, "git", "commit", "--quiet", "--all", "--message", "Generated pictures")
    return clone


def files_below(folder: Path) -> int:
    """Return how many files lie below a folder."""
    return sum(len(files) for _, _, files in os.walk(folder))


def bytes_of(folder: Path) -> int:
    """Return the bytes of all files below a folder, as they stand in its listing."""
    return sum(os.lstat(Path(parent, file)).st_size for parent, _, files in os.walk(folder) for file in files)


class Table:
    """The lines of one size, each of which is in the CSV as soon as it is measured."""

    def __init__(self, images: int):
        """Begin the lines of a size anew."""
        self.images, self.lines = images, []

    def add(self, what: str, files: int, cost: Cost, size: int = 0) -> None:
        """Add a line and write the CSV."""
        self.lines.append(
            (self.images, what, files, round(cost.wall, 2), round(cost.processor, 2), round(cost.peak / 1e6), size)
        )
        print(*self.lines[-1], file=sys.stderr, flush=True)
        known = pd.read_csv(RESULT) if RESULT.exists() else pd.DataFrame(columns=COLUMNS)
        fresh = pd.DataFrame(self.lines, columns=COLUMNS)
        kept = known[known["images"] != self.images]
        table = pd.concat([kept, fresh] if len(kept) else [fresh]).sort_values("images", kind="stable")
        atomic.write(RESULT, table.to_csv(index=False, lineterminator="\n").encode())


def measure(folder: Path, count: int) -> None:
    """Build everything for `count` pictures in `folder` and write what it cost."""
    clone, table = make_clone(folder, count), Table(count)
    snakemake = ("snakemake", "--cores", "all")

    def ended(stage: str, cost: Cost) -> None:
        below = clone / "data" / stage
        files, size = (files_below(below), bytes_of(below)) if below.is_dir() else (0, 0)
        table.add(stage, files, cost, size)

    table.add("snakemake metrics", 0, timed(clone, *snakemake, "metrics", ended=ended))
    table.add("snakemake metrics, nothing to do", count, timed(clone, *snakemake, "metrics"))
    measure_dvc(clone, folder, table)
    measure_store(folder, count, table)
    if count <= NEAR_DUPLICATES_UP_TO:
        clones.set_parameters(clone, group={"near_duplicates": True})
        command = (*snakemake, "--allowed-rules", "group", "--", "group")

        def grouped(stage: str, cost: Cost) -> None:
            if stage == "group":
                table.add("group, near-duplicates", count, cost)

        timed(clone, *command, ended=grouped)


def measure_dvc(clone: Path, folder: Path, table: Table) -> None:
    """Measure DVC's commands on what was built."""
    files = sum(files_below(clone / "data" / name) for name in os.listdir(clone / "data"))
    table.add("dvc status", files, timed(clone, "dvc", "status", "--quiet"))
    timed(clone, "dvc", "remote", "add", "--default", "store", str(folder / "remote"))
    table.add("dvc push", files, timed(clone, "dvc", "push", "--quiet"), bytes_of(folder / "remote"))
    for name in ("convert", "augment"):
        below = clone / "data" / name
        number = files_below(below)
        shutil.rmtree(below)
        table.add(f"dvc checkout {name}", number, timed(clone, "dvc", "checkout", "--quiet", f"data/{name}"))


def measure_store(folder: Path, count: int, table: Table) -> None:
    """Measure the store of bottlenecks: its size as built, and a row's way in and out of a fresh one."""
    built = folder / "cache/two-huskies" / store.NAME
    rows, features = 5 * count, np.random.default_rng(0).random(512, np.float32)
    keys = [store.key(str(number), "growth") for number in range(rows)]
    with tempfile.TemporaryDirectory(dir=folder) as name, store.Store(Path(name)) as fresh:
        start, work = time.perf_counter(), time.process_time()
        for first in range(0, rows, 32):
            fresh.put((each, features) for each in keys[first : first + 32])
        middle, work_in = time.perf_counter(), time.process_time()
        found = sum(1 for _ in fresh.get(keys))
        end, work_out = time.perf_counter(), time.process_time()
    assert found == rows
    table.add("store, rows in", rows, Cost(middle - start, work_in - work, 0), built.stat().st_size)
    table.add("store, rows out", rows, Cost(end - middle, work_out - work_in, 0))


def report(table: pd.DataFrame) -> str:
    """Return the lines of all sizes as Markdown: processor time for an image, growth between sizes, and memory."""
    sizes = sorted(table["images"].unique())
    cpu = table.pivot_table(index="what", columns="images", values="cpu_s", sort=False)
    wall, memory = (
        table.pivot_table(index="what", columns="images", values=each, sort=False) for each in ("wall_s", "peak_mb")
    )
    names = [f"{size:,}".replace(",", " ") for size in sizes]
    columns = [f"{kind}, {name}" for kind in ("ms of processor", "ms of wall") for name in names]
    columns += ["growth", *(f"MB, {name}" for name in names)]
    pairs = list(itertools.pairwise(sizes))
    lines = [
        "# Growth",
        "",
        "By `benchmarks/growth.py`: generated pictures of 64 × 64 pixels, factor 5, the bundled network at 32 pixels,",
        "four in five trained on. Milliseconds of processor time and of wall time for an image; peak memory of all",
        "processes of the stage together, without the pages of mapped files, which the system drops when it wants the",
        "room. Growth is the processor time of each further image against that of each image of the size before; above",
        f"{FLAT:.1f} it is not flat.",
        "",
        f"| what | {' | '.join(columns)} |",
        "|---" * (1 + len(columns)) + "|",
    ]
    for what in cpu.index:
        times = [f"{1000 * each.loc[what, size] / size:.3f}" for each in (cpu, wall) for size in sizes]
        further = [_growth(cpu.loc[what], *pair) for pair in pairs]
        peaks = [f"{memory.loc[what, size]:.0f}" for size in sizes]
        lines.append(f"| {what} | {' | '.join(times)} | {', '.join(further) or '–'} | {' | '.join(peaks)} |")
    return "\n".join(lines).replace("nan", "–") + "\n"


def _growth(cpu: pd.Series, small: int, large: int) -> str:
    """Return the processor time of each further image against that of each image of the smaller size."""
    further = (cpu[large] - cpu[small]) / (large - small)
    return f"{further / (cpu[small] / small):.2f}" if cpu[small] > 0 else "–"


def main() -> None:
    """Measure the sizes that are asked for, or write the report of what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--folder", type=Path, help="keep the clones here, else they are temporary")
    parser.add_argument("--report", action="store_true", help="measure nothing")
    arguments = parser.parse_args()
    for count in () if arguments.report else arguments.images:
        with tempfile.TemporaryDirectory(prefix="growth-") as temporary:
            folder = (arguments.folder or Path(temporary)).resolve() / str(count)
            folder.mkdir(parents=True)
            measure(folder, count)
    REPORT.write_text(report(pd.read_csv(RESULT)), encoding="utf-8")
    print(REPORT.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
