"""A trial: one fault in one fresh clone, and what came of it."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from project import Clone

if TYPE_CHECKING:
    from collections.abc import Callable

    from reliability.bench import Bench

PATIENCE = 300  # seconds; a command that has not ended by then never will
SETTLE = 10  # seconds that what a killed run started may take to end
MARK = "RELIABILITY_TRIAL"


@dataclass(frozen=True)
class Outcome:
    """What a trial lost, each thing in a few words, what the user saw, and figures where it is about figures."""

    lost: tuple[str, ...]
    saw: str
    figures: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Place(Clone):
    """A clone in a place of its own: beside it lie its user's cache, DVC's state and a remote."""

    def environment(self) -> dict[str, str]:
        """Return the environment of a user, with a mark by which what a command started is found again."""
        return {**super().environment(), MARK: str(self.folder.parent)}

    def copy(self, folder: Path) -> "Place":
        """Return a copy of the whole place, times and all."""
        shutil.copytree(self.folder.parent, folder, symlinks=True)
        return Place(folder / "clone")

    def start(self, command: Sequence[str], **environment: str) -> "Running":
        """Start a command in a session of its own, its output in a file, so that nobody waits for a pipe."""
        top = self.folder.parent
        said = top.with_name(f"{top.name}-said-{time.monotonic_ns()}")
        with open(said, "wb") as file:
            process = subprocess.Popen(
                command,
                cwd=self.folder,
                env={**self.environment(), **environment},
                stdout=file,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        return Running(process, said, time.monotonic())

    def finish(self, command: Sequence[str], **environment: str) -> "Ended":
        """Run a command to its end."""
        return self.start(command, **environment).wait()

    def do(self, *command: str) -> str:
        """Run a command that must succeed; return what it said."""
        ended = self.finish(command)
        if ended.status:
            raise AssertionError(f"{command} ended with {ended.status}\n{ended.said}")
        return ended.said

    def processes(self) -> list[int]:
        """Return the processes that were started from here and still run."""
        mark, found = f"{MARK}={self.folder.parent}".encode(), []
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and mark in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
            except OSError:
                continue
        return found

    def orphans(self) -> list[str]:
        """Wait a little for everything that was started here to end; kill the rest, and return their commands."""
        end = time.monotonic() + SETTLE
        while (left := self.processes()) and time.monotonic() < end:
            time.sleep(0.2)
        commands = []
        for process in left:
            with contextlib.suppress(OSError):
                commands.append(Path(f"/proc/{process}/cmdline").read_bytes().replace(b"\0", b" ").decode().strip())
        self.kill()
        return commands

    def kill(self) -> None:
        """Kill everything that was started from here."""
        while left := self.processes():
            for process in left:
                with contextlib.suppress(OSError):
                    os.kill(process, signal.SIGKILL)
            time.sleep(0.05)

    def remove(self) -> None:
        """Delete the place with all that lies in it."""
        top = self.folder.parent
        shutil.rmtree(top, ignore_errors=True)
        for said in top.parent.glob(f"{top.name}-said-*"):
            said.unlink()


@dataclass(frozen=True)
class Running:
    """A command that runs: the process, the file that has what it said, and when it began."""

    process: subprocess.Popen
    output: Path
    began: float

    def wait(self, patience: float = PATIENCE) -> "Ended":
        """Wait for the command to end, and kill it with its group if it does not."""
        try:
            status: int | None = self.process.wait(patience)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            status = None
        return Ended(status, self.output.read_text(errors="replace"), time.monotonic() - self.began)


@dataclass(frozen=True)
class Ended:
    """A command that ended: its exit status, None if it had to be killed, what it said, and the seconds it took."""

    status: int | None
    said: str
    seconds: float

    def in_words(self) -> str:
        """Return how it ended, as a user would say it."""
        if self.status is None:
            return f"did not end within {PATIENCE} s"
        if self.status == 0:
            return "ended with 0"
        errors = [line for line in self.said.splitlines() if line.startswith("ERROR: ")]
        last = errors[0] if errors else (self.said.strip().splitlines() or ["nothing"])[-1]
        traceback = ", a traceback" if "Traceback" in self.said else ""
        # So that the same message about another file is counted with it.
        last = re.sub(r"(?<![^ ])([\w.]+/)[^ :,]*[^ :,.]", r"\1…", last)
        return f"ended with {self.status}{traceback}: {last}"


def summary(outcomes: Sequence[Outcome]) -> tuple[str, str]:
    """Return what was lost and what the user saw, over all trials, the most frequent first."""
    lost = Counter(what for each in outcomes for what in each.lost)
    return _counted(lost) or "nothing", _counted(Counter(each.saw for each in outcomes))


def _counted(counter: Counter[str]) -> str:
    return "; ".join(f"{number} × {what}" for what, number in counter.most_common())


@dataclass(frozen=True)
class Row:
    """A fault to try: its name, what is done, how often by default, and a function that does it once.

    The function gets the bench, the trial's number, and random numbers that are the same for the same seed. sum_up says
    what was lost and what the user saw. in_a_row: whether a trial needs those before it.
    """

    name: str
    fault: str
    trials: int
    attempt: "Callable[[Bench, int, Random], Outcome]"
    sum_up: "Callable[[Sequence[Outcome]], tuple[str, str]]" = summary
    in_a_row: bool = False
