"""Measures all speeds by one command: prints the table, writes benchmarks/performance.csv and docs/performance.md.

Run in the project's folder: `HUSKIES_SHARED=../shared make benchmarks`, or
`.venv/bin/python benchmarks/performance.py`. It takes about an hour on two cores, on which nothing else should run.
Some of it is measured in clones of the last commit, so commit first. A part that fails or cannot be measured is said
to, and the others go on; each is written when it ends, and `--only` measures some parts anew, the lines of the others
staying as they are. What each line means is explained in docs/performance.md.
"""

import argparse
import importlib.metadata
import os
import platform
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import against_predict
import augmenting
import engines
import limit
import main_job
import on_the_fly
import overheads
import pandas as pd
import photos
import psutil
import training
from speed_table import COLUMNS, Line, as_row, read, table, write

FLAGS = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "avx512_fp16", "amx_bf16", "amx_int8")
LIBRARIES = ("openvino", "tensorflow", "keras", "numpy", "opencv-python-headless", "snakemake", "dvc")


def machine() -> Iterator[Line]:
    """Yield what the measurements were made on."""
    cpuinfo = Path("/proc/cpuinfo")
    words = set(cpuinfo.read_text().split()) if cpuinfo.exists() else set()
    versions = [f"{name} {importlib.metadata.version(name)}" for name in LIBRARIES]
    for what, note in (
        ("processor", engines.processor()),
        ("instructions", " ".join(flag for flag in FLAGS if flag in words)),
        ("cores", str(engines.CORES)),
        ("memory", f"{psutil.virtual_memory().total / 2**30:.0f} GiB"),
        ("software", ", ".join([f"{platform.system()}, Python {platform.python_version()}", *versions])),
    ):
        yield Line("machine", what, float("nan"), "", note=note)


def parts(folder: Path | None, shared: Path | None, quick: bool) -> dict[str, Callable[[], Iterator[Line]] | None]:
    """Return what measures each part, by its name; None for what needs HUSKIES_SHARED where there is none.

    folder: as benchmarks/engines.py makes it from the shared photos and weights, or None. quick: as few repetitions
    as possible, to see that it works.
    """
    repetitions = 1 if quick else 3
    found: dict[str, Callable[[], Iterator[Line]] | None] = {"machine": machine}
    found["main job, sample"] = lambda: main_job.measure(None, 1)
    found["main job, flowers"] = (lambda: main_job.measure(shared, 1)) if shared else None
    found["limit"] = (lambda: limit.measure(folder, repetitions)) if folder else None
    for case in against_predict.AIMS:
        found[case] = (lambda case=case: against_predict.measure(folder, case, repetitions)) if folder else None
    found["on the fly"] = (lambda: on_the_fly.measure(folder, quick)) if folder else None
    found["training"] = lambda: training.measure(quick)
    found["augment"] = (lambda: augmenting.measure(shared, quick)) if shared else None
    found["a larger factor"] = augmenting.measure_larger_factor
    found["photos"] = (lambda: photos.measure(shared, 60 if quick else photos.PHOTOS, 1, "auto")) if shared else None
    found["overheads"] = lambda: overheads.measure(quick)
    return found


def rows(name: str, part: Callable[[], Iterator[Line]] | None) -> Iterator[Line]:
    """Yield the lines of a part; one that says so where it is left out or fails."""
    nothing = float("nan")
    if part is None:
        yield Line(name, "left out", nothing, "", note="HUSKIES_SHARED, which has the photos and weights, is not set")
        return
    try:
        yield from part()
    # Other measurements are not to be lost for one that fails, however it does.
    except Exception as error:
        traceback.print_exc()
        yield Line(name, "failed", nothing, "", note=f"{type(error).__name__}: {' '.join(str(error).split())[:200]}")


def main() -> None:
    """Measure all parts, or those asked for, and print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="see that it works; nothing is written")
    parser.add_argument("--only", nargs="+", metavar="PART", help="parts by name; the others stay as they are")
    arguments = parser.parse_args()
    shared = Path(os.environ["HUSKIES_SHARED"]).resolve() if os.environ.get("HUSKIES_SHARED") else None
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as name:
        folder = engines.prepared_folder(Path(name), shared) if shared else None
        every = parts(folder, shared, arguments.quick)
        if unknown := set(arguments.only or []) - every.keys():
            parser.error(f"no part is called {', '.join(sorted(unknown))}; there are: {', '.join(every)}")
        for part in arguments.only or every:
            start = time.perf_counter()
            found = []
            for line in rows(part, every[part]):
                found.append(as_row(part, line))
                print(*found[-1].values(), sep="\t", file=sys.stderr, flush=True)
            print(f"{part}: {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)
            if not arguments.quick:
                write(pd.DataFrame(found, columns=COLUMNS), list(every))
    print(table(read()))


if __name__ == "__main__":
    main()
