"""Stages in shards against the same stages as a whole, on one machine: times, the largest job, and added photos.

Run in the project's folder: `.venv/bin/python benchmarks/sharding.py`, or with `--images 100000 --shards 8`. Generated
pictures, as in growth.py, become bottlenecks at factor 1, as a whole and in shards, each in a clone of its own with an
empty cache; then 20 pictures are added to both, and the store is emptied, as on a node that has none. The bytes of all
stages are compared. Each line is in benchmarks/sharding.csv as soon as it is measured.
"""

import argparse
import re
import shutil
import sys
import tempfile
from pathlib import Path

import clones
import cv2
import growth
import pandas as pd
from clones import PROJECT
from huskies import atomic, receipt
from huskies.planning import plan
from process_cost import Cost, timed

RESULT = PROJECT / "benchmarks/sharding.csv"
COLUMNS = ["images", "shards", "what", "jobs", "wall_s", "cpu_s", "largest_job_mb", "computed"]
TARGETS = ("bottlenecks_original", "bottlenecks_augmented", "bottlenecks_test")
ADDED = 20


def measure(folder: Path, images: int, shards: int) -> tuple[list[tuple], dict[str, bytes]]:
    """Return (lines, digests of all files that were made in the end) of so many pictures in so many shards."""
    clone = growth.make_clone(folder, images)
    clones.set_parameters(clone, run={"shards": shards}, aug={"factor": 1})
    lines = [(images, shards, *_line(clone, "bottlenecks of all"))]
    for number in range(images, images + ADDED):
        path = clone / f"pictures/class_{number % growth.CLASSES}/{number:06}.jpg"
        cv2.imwrite(str(path), growth.picture(number)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 90])
    shutil.rmtree(folder / "cache", ignore_errors=True)
    lines.append((images, shards, *_line(clone, f"{ADDED} photos more")))
    lines.append((images, shards, *_line(clone, "nothing to do")))
    made = {stage: receipt.digests(clone / "data" / stage) for stage in plan.SHARDED}
    return lines, made


def _line(clone: Path, what: str) -> tuple:
    """Run Snakemake; return (what, jobs, seconds, of them of processors, MB of the largest job, images computed)."""
    jobs: dict[str, Cost] = {}
    said = clone.parent / "said.txt"
    before = len(said.read_text()) if said.exists() else 0
    whole = timed(clone, "snakemake", "--cores", "all", *TARGETS, ended=jobs.__setitem__)
    computed = sum(map(int, re.findall(r"computed (\d+)", said.read_text()[before:])))
    largest = max((cost.peak for cost in jobs.values()), default=0)
    line = (what, len(jobs), round(whole.wall, 1), round(whole.processor, 1), round(largest / 1e6), computed)
    print(*line, file=sys.stderr, flush=True)
    return line


def main() -> None:
    """Measure, compare, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--shards", type=int, default=8)
    arguments = parser.parse_args()
    lines, made = [], []
    for shards in (1, arguments.shards):
        with tempfile.TemporaryDirectory(prefix="sharding-") as folder:
            measured, digests = measure(Path(folder).resolve(), arguments.images, shards)
        lines, made = lines + measured, [*made, digests]
        known = pd.read_csv(RESULT) if RESULT.exists() else pd.DataFrame(columns=COLUMNS)
        fresh = pd.DataFrame(lines, columns=COLUMNS)
        kept = known[known["images"] != arguments.images]
        table = pd.concat([kept, fresh] if len(kept) else [fresh]).sort_values("images", kind="stable")
        atomic.write(RESULT, table.to_csv(index=False, lineterminator="\n").encode())
    if made[0] != made[1]:
        sys.exit("the bytes differ")
    print(f"all {sum(map(len, made[0].values()))} files have the same bytes")


if __name__ == "__main__":
    main()
