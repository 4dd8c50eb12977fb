"""Experiments in a row, in one clone: time, memory, disk and open files of each stay what they are."""

import statistics
import threading
from collections.abc import Sequence
from pathlib import Path
from random import Random

from reliability.bench import Bench
from reliability.trial import Outcome, Place, Row

GROWTH = 1.25  # of a figure from the first experiments to the last, from which it is called growth


class Watch:
    """Looks ten times a second at what a place runs: the most memory, in MiB, and open files, of all of it at once."""

    def __init__(self, place: Place):
        """Begin to watch."""
        self.memory = self.files = 0
        self._place, self._over = place, threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def _watch(self) -> None:
        while not self._over.wait(0.1):
            memory = files = 0
            for process in self._place.processes():
                try:
                    memory += int(Path(f"/proc/{process}/statm").read_text().split()[1]) * 4 // 1024
                    files += len(list(Path(f"/proc/{process}/fd").iterdir()))
                except OSError:
                    continue
            self.memory, self.files = max(self.memory, memory), max(self.files, files)

    def end(self) -> None:
        """Watch no longer."""
        self._over.set()
        self._thread.join()


def size(folder: Path) -> float:
    """Return what lies in a folder, in MiB."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir()) / 2**20


def experiment(bench: Bench, number: int, _: Random) -> Outcome:
    """Run one more experiment in the clone that all of them share."""
    place = bench.shared("built")
    watch = Watch(place)
    ended = place.finish(("dvc", "exp", "run", "-S", f"train.seed={number + 100}"))
    watch.end()
    figures = {"s": ended.seconds, "MiB of memory": watch.memory, "MiB on disk": size(place.folder.parent),
               "open files": watch.files}  # fmt: skip
    return Outcome(("an experiment failed",) if ended.status else (), ended.in_words(), figures)


def sum_up(outcomes: Sequence[Outcome]) -> tuple[str, str]:
    """Return what was lost, and each figure of the first and of the last experiments."""
    few = max(1, min(10, len(outcomes) // 3))
    lost, saw = [each for outcome in outcomes for each in outcome.lost], []
    for name in outcomes[0].figures:
        first, last = (
            statistics.median(each.figures[name] for each in part) for part in (outcomes[:few], outcomes[-few:])
        )
        saw.append(f"{first:.0f} to {last:.0f} {name}")
        if name != "MiB on disk" and last > GROWTH * first:
            lost.append(f"{name} grow from {first:.0f} to {last:.0f}")
    each = (outcomes[-1].figures["MiB on disk"] - outcomes[0].figures["MiB on disk"]) / max(1, len(outcomes) - 1)
    return "; ".join(lost) or "nothing", f"first {few} to last {few}: {', '.join(saw)}; {each:.2f} MiB an experiment"


def rows() -> list[Row]:
    """Return the row of this module."""
    return [Row("experiments in a row", "`dvc exp run -S train.seed=…` in one clone, again and again", 200, experiment,
                sum_up, in_a_row=True)]  # fmt: skip
