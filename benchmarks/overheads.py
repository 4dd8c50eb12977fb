"""Overheads: a run with nothing to do against an empty Snakefile, the raw listing, and what a stage's imports cost.

Run in the project's folder: `.venv/bin/python benchmarks/overheads.py`. It takes some minutes and writes
benchmarks/overheads.md and benchmarks/overheads.csv.
"""

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import augmenting
import pandas as pd
from huskies import plan, runner

PROJECT = Path(__file__).parent.parent.resolve()
CORES = len(os.sched_getaffinity(0))
EMPTY = "rule metrics:\n    input: []\n"

_LISTING = """
import sys
from pathlib import Path
from huskies import snapshot
snapshot.raw_digest(Path(sys.argv[1]))
"""


def run(command: list[str], folder: Path, workflow: Path, cache: Path) -> tuple[float, float]:
    """Return (seconds, processor seconds) of a command in a folder, with the code and the cache of one's own."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(workflow),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "XDG_CACHE_HOME": str(cache),
    }
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
    seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _medians(measured: dict[str, list[tuple[float, float]]]) -> dict[str, float]:
    result: dict[str, float] = {}
    for what, found in measured.items():
        seconds, work = (statistics.median(each) for each in zip(*found, strict=True))
        result |= {what: seconds, f"{what}, processor": work}
    return result


def nothing_to_do(repetitions: int = 5) -> dict[str, float]:
    """Return the median seconds of `snakemake metrics` on the built sample, of an empty Snakefile, and the ratio."""
    with tempfile.TemporaryDirectory() as name:
        folder, empty = Path(name, "sample"), Path(name, "empty")
        augmenting.clone(folder, 5)
        augmenting.run_flow(folder, Path(name, "cache"))
        empty.mkdir()
        (empty / "Snakefile").write_text(EMPTY)
        command = ["snakemake", "--cores", "1", "metrics"]
        measured: dict[str, list[tuple[float, float]]] = {"ours": [], "empty": []}
        for _ in range(repetitions):
            for what, where in (("ours", folder), ("empty", empty)):
                measured[what].append(run(command, where, folder / "workflow", Path(name, "cache")))
    result = _medians(measured)
    ratios = {"ratio": result["ours"] / result["empty"]}
    ratios["ratio, processor"] = result["ours, processor"] / result["empty, processor"]
    return result | ratios


def raw_listing(files: int = 100_000, repetitions: int = 3) -> dict[str, float]:
    """Return the seconds of the first digest of so many tiny raw files and the median of later ones.

    Python's start and the imports are part of each.
    """
    with tempfile.TemporaryDirectory() as name:
        raw = Path(name, "raw")
        for number in range(files):
            folder = raw / f"class_{number % 10}"
            if number < 10:
                folder.mkdir(parents=True)
            (folder / f"image_{number:06}.jpg").write_bytes(str(number).encode())
        # What was changed in the last two seconds is read again.
        time.sleep(2.1)
        command = [sys.executable, "-c", _LISTING, str(raw)]
        measured = [run(command, PROJECT, PROJECT / "workflow", Path(name, "cache")) for _ in range(repetitions + 1)]
    return _medians({"first": measured[:1], "unchanged": measured[1:]})


def imports(repetitions: int = 3) -> dict[str, float]:
    """Return the median seconds that Python takes to start and import each stage's module, and TensorFlow."""
    modules = {f"huskies.{runner.module_of(stage)}" for stage in plan.tracked(PROJECT)}
    measured: dict[str, list[tuple[float, float]]] = {}
    with tempfile.TemporaryDirectory() as name:
        for _ in range(repetitions):
            for module in (*sorted(modules), "albumentations", "tensorflow"):
                command = [sys.executable, "-c", f"import {module}"]
                found = run(command, PROJECT, PROJECT / "workflow", Path(name))
                measured.setdefault(module.removeprefix("huskies."), []).append(found)
    return _medians(measured)


def report(found: dict[str, dict[str, float]]) -> str:
    """Return the result as Markdown."""
    lines = ["# Overheads", "", f"By `benchmarks/overheads.py` on {CORES} cores; medians, in seconds.", ""]
    lines += ["| measurement | what | value |", "|---|---|---|"]
    lines += [f"| {name} | {what} | {value:.3g} |" for name, part in found.items() for what, value in part.items()]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure everything and write the result."""
    found = {"nothing to do": nothing_to_do(), "100 000 raw files": raw_listing(), "imports": imports()}
    rows = [(name, what, value) for name, part in found.items() for what, value in part.items()]
    table = pd.DataFrame(rows, columns=["measurement", "what", "value"])
    table.to_csv(PROJECT / "benchmarks/overheads.csv", index=False, float_format="%.6g", lineterminator="\n")
    (PROJECT / "benchmarks/overheads.md").write_text(report(found), encoding="utf-8")
    print(report(found))


if __name__ == "__main__":
    main()
