"""Measuring side by side: each peer has a process of its own, and all of them take turns, run by run.

Whatever else the machine does meets all of them, so that ratios hold where times do not.
"""

import resource
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from multiprocessing import get_context
from typing import Any, NamedTuple

# What this process was prepared to run.
state: dict[str, Callable] = {}


def _prepare(maker: Callable[..., Callable], arguments: tuple[Any, ...]) -> None:
    state["run"] = maker(*arguments)


class Seconds(NamedTuple):
    """What a run takes by the clock, and in processor time of its process, all threads and ended children included."""

    wall: float
    processor: float


def _processor_time() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def _seconds() -> Seconds:
    start, work = time.perf_counter(), _processor_time()
    state["run"]()
    return Seconds(time.perf_counter() - start, _processor_time() - work)


def medians(peers: dict[str, tuple], repetitions: int) -> dict[str, Seconds]:
    """Return the medians of what every peer takes, over `repetitions` rounds.

    peers: by name, a function and its arguments, picklable. Called in the peer's process, it returns what is timed,
    ready to run at full speed: what happens only the first time has happened.
    """
    times = {name: [] for name in peers}
    with ExitStack() as stack:
        processes = {
            name: stack.enter_context(ProcessPoolExecutor(1, get_context("spawn"), _prepare, (maker, arguments)))
            for name, (maker, *arguments) in peers.items()
        }
        for _ in range(repetitions):
            for name, process in processes.items():
                times[name].append(process.submit(_seconds).result())
    return {name: Seconds(*map(statistics.median, zip(*taken, strict=True))) for name, taken in times.items()}
