"""What a command costs, and each stage in it: wall time, processor time and own memory of all its processes.

Looks at the processes ten times a second. A stage's time lacks what it used after the last look, at most a tenth of a
second on every core; the time of the whole command is the system's own.
"""

import os
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import psutil
from clones import environment

INTERVAL = 0.1  # seconds


class Cost(NamedTuple):
    """Seconds by the clock, seconds of processor time, and the peak of memory in bytes."""

    wall: float
    processor: float
    peak: int


OnStageEnd = Callable[[str, Cost], None]


class Sampler(threading.Thread):
    """Looks at a process and all its descendants and keeps, for each stage among them, time and memory."""

    def __init__(self, process: psutil.Process, ended: OnStageEnd):
        """Watch a process from `start` until `end`."""
        super().__init__(daemon=True)
        self.process, self.ended, self.over = process, ended, threading.Event()
        # By name: (first seen, last seen, seconds of processor time, peak of memory in bytes).
        self.seen: dict[str, tuple[float, float, float, int]] = {}
        self.told: set[str] = set()

    def run(self) -> None:
        """Look until told to end."""
        while not self.over.wait(INTERVAL):
            try:
                found = [self.process, *self.process.children(recursive=True)]
            except psutil.NoSuchProcess:
                return
            self._note("all", found)
            named = {name: each for each in found if (name := _stage(each))}
            for name, each in named.items():
                self._note(name, [each, *_children(each)])
            self._tell(self.seen.keys() - named.keys() - {"all"})

    def _tell(self, names: set[str]) -> None:
        for name in sorted(names - self.told):
            self.told.add(name)
            first, last, cpu, peak = self.seen[name]
            self.ended(name, Cost(last - first, cpu, peak))

    def _note(self, name: str, processes: Sequence[psutil.Process]) -> None:
        now, cpu, memory = time.perf_counter(), 0.0, 0
        for each in processes:
            try:
                with each.oneshot():
                    # What has ended is in the times of the children of whoever waited for it.
                    cpu += sum(each.cpu_times()[:4])
                    # Pages of mapped files are left aside: the system drops them when it wants the room.
                    memory += each.memory_info().rss - each.memory_info().shared
            except psutil.Error:
                continue
        first, _, cpu_before, peak = self.seen.get(name, (now, now, 0.0, 0))
        self.seen[name] = (first, now, max(cpu_before, cpu), max(peak, memory))

    def end(self) -> None:
        """Stop looking, and tell of what ended since the last look."""
        self.over.set()
        self.join()
        self._tell(self.seen.keys() - {"all"})


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.Error:
        return []


def _stage(process: psutil.Process) -> str | None:
    """Return `augment` for `python -m huskies augment …`, `dvc commit` for `python -m dvc commit …`, else None.

    A shard of a stage has the name of its folder, as augment_1_of_8.
    """
    try:
        words = process.cmdline()
    except psutil.Error:
        return None
    if words[1:3] == ["-m", "huskies"] and "--receipt" in words:
        return Path(words[words.index("--receipt") + 1]).parent.name
    for package in ("huskies", "dvc"):
        if words[1:3] == ["-m", package]:
            named = [word for word in words[3:5] if not word.startswith("-")]
            return named[0] if package == "huskies" else f"dvc {' '.join(named)}"
    return None


def timed(folder: Path, *command: str, ended: OnStageEnd = lambda name, cost: None) -> Cost:
    """Run a command and return what it costs; `ended` is called with every stage in it, as soon as that has ended.

    Memory that processes share counts for each of them. Raises RuntimeError if the command fails; what it says is in
    said.txt beside the folder.
    """
    start, before = time.perf_counter(), os.times()
    with open(folder.parent / "said.txt", "a", encoding="utf-8") as said:
        process = psutil.Popen(command, cwd=folder, env=environment(folder), stdout=said, stderr=said)
        sampler = Sampler(process, ended)
        sampler.start()
        status = process.wait()
    sampler.end()
    after, wall = os.times(), time.perf_counter() - start
    if status:
        raise RuntimeError(f"{' '.join(command)} failed: see {said.name}")
    peak = sampler.seen["all"][3] if "all" in sampler.seen else 0
    return Cost(wall, sum(after[2:4]) - sum(before[2:4]), peak)
