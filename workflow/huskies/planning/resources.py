"""What a job asks of the machine that it runs on: cores, memory and time, by the stage and the number of images.

Memory and time are those of benchmarks/growth.csv, of the sample, and of photos with InceptionV3, and some room; memory
has the pages of libraries in it, 500 MB where TensorFlow is one of them, since SLURM counts them. They are limits on a
cluster; on one machine they limit nothing. Whoever needs more asks again, for twice as much.
"""

import functools
import math
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from huskies.images import raw_files

# Of a job on another machine, where nobody says --max-threads.
CORES = 8
# Snakemake itself runs twice in a job, around the stage.
_SNAKEMAKE = 350  # MB
_IMPORTS_AND_QUEUES = 10  # minutes
# A network takes its file several times over, while it is converted.
_NETWORK = 6
# What Keras downloads is no larger, as a rule.
_DOWNLOADED = 100  # MB


class Cost(NamedTuple):
    """What a stage takes: MB at least, MB more for a core, kB and milliseconds of one core for a row.

    copies: whether augmented copies are rows, or images alone. network: whether it has the backbone in memory.
    """

    least: int
    core: int
    row: float
    milliseconds: float
    copies: bool = False
    network: bool = False


_FEATURES = Cost(900, 150, 1, 200, copies=True, network=True)
_TRAINING = Cost(1200, 0, 1.5, 10, copies=True)
_ON_REQUEST = Cost(1300, 200, 3, 1000, copies=True, network=True)
_FEW_NUMBERS = Cost(250, 0, 1, 1)
_PAGES = Cost(450, 0, 7, 10)
_COSTS = {
    "convert": Cost(150, 250, 2, 300),
    "group": Cost(1000, 100, 12, 80),
    "split": _FEW_NUMBERS,
    "augment": Cost(150, 150, 1, 100, copies=True),
    "bottlenecks_original": _FEATURES._replace(copies=False),
    "bottlenecks_augmented": _FEATURES,
    "bottlenecks_test": _FEATURES._replace(copies=False),
    "train_baseline": _TRAINING,
    "train_augmented": _TRAINING,
    "leaks": Cost(300, 100, 16, 60),
    "cross_validation": Cost(1100, 300, 3, 300, copies=True, network=True),
    "metrics": _FEW_NUMBERS,
    "report": _PAGES,
    "gate": _FEW_NUMBERS,
    "publish": _FEW_NUMBERS,
    "leakage": _PAGES,
    "article": _PAGES,
    "sweep": _PAGES,
    "experiments": _PAGES,
    "encoders": _ON_REQUEST._replace(least=2000, milliseconds=5000),
}


class Cores:
    """How many cores a job uses, as `threads` of rules."""

    def __init__(self, workflow: Any):
        """workflow: Snakemake's, whose settings are known when it makes its graph of jobs."""
        self._workflow = workflow

    def all(self, wildcards: Any) -> int:
        """Return all cores that Snakemake has here, or as many as a job asks of another machine."""
        return self._of_another_machine() or self._workflow.cores

    def half(self, wildcards: Any) -> int:
        """Return half of them, so that another job runs beside this one on the same machine."""
        return self._of_another_machine() or (self._workflow.cores + 1) // 2

    def used(self, wildcards: Any, threads: int) -> int:
        """Return how many cores a job of `half` may use: all that are here, or what it asked another machine for."""
        return threads if self._of_another_machine() else self._workflow.cores

    def _of_another_machine(self) -> int:
        """Return how many cores a job asks for, or 0 where jobs run on this machine."""
        workflow = self._workflow
        # A job finds on its machine what was asked for, and there Snakemake takes it for its own machine.
        if workflow.local_exec and not workflow.remote_exec:
            return 0
        return workflow.resource_settings.max_threads or CORES


def asked(
    stage: str, parameters: Callable[[Any], dict[str, Any]], images: Callable[[], int]
) -> dict[str, Callable[..., int]]:
    """Return the resources of a rule for Snakemake: functions of the threads and of which attempt it is.

    parameters: returns those of a job by its wildcards, validated. images: returns the number of raw images. Both are
    called when they are needed.
    """
    cost = _COSTS.get(stage, _ON_REQUEST)

    def mem_mb(wildcards: Any, threads: int, attempt: int) -> int:
        return memory(cost, parameters(wildcards), images(), threads) << attempt - 1

    def runtime(wildcards: Any, threads: int, attempt: int) -> int:
        return minutes(cost, parameters(wildcards), images(), threads) << attempt - 1

    return {"mem_mb": mem_mb, "runtime": runtime}


def memory(cost: Cost, parameters: dict[str, Any], images: int, threads: int) -> int:
    """Return the MB that a job asks for, in hundreds."""
    network = _NETWORK * _size_of(parameters["backbone"]["weights"]) if cost.network else 0
    rows = cost.row * _rows(cost, parameters, images) / 1000
    return 100 * math.ceil((_SNAKEMAKE + cost.least + cost.core * threads + network + rows) / 100)


def minutes(cost: Cost, parameters: dict[str, Any], images: int, threads: int) -> int:
    """Return the minutes that a job asks for."""
    return _IMPORTS_AND_QUEUES + math.ceil(cost.milliseconds * _rows(cost, parameters, images) / threads / 60_000)


def _rows(cost: Cost, parameters: dict[str, Any], images: int) -> int:
    return images * (1 + parameters["aug"]["factor"]) if cost.copies else images


def _size_of(weights: str) -> int:
    """Return the MB of a file or a folder in backbones/."""
    path = Path("backbones", weights)
    if not path.exists():
        return _DOWNLOADED
    files = [path] if path.is_file() else [each for each in path.rglob("*") if each.is_file()]
    return math.ceil(sum(each.stat().st_size for each in files) / 1e6)


@functools.cache
def number_of_images(raw: Path) -> int:
    """Return how many files raw holds, a folder or a zip; 0 where there is none, or none to be read."""
    if raw.is_dir():
        return sum(1 for _ in raw_files.files(raw))
    try:
        with zipfile.ZipFile(raw) as archive:
            return sum(1 for each in archive.infolist() if not each.is_dir())
    except (OSError, zipfile.BadZipFile):
        return 0
