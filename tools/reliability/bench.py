"""What trials start from and are compared with, each made once, when it is first needed."""

import shutil
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from project import Clone, clone_project

from reliability import state
from reliability.trial import Ended, Place

ASSASSIN = Path(__file__).parent / "assassin"
STALE, WANTED = 2, 3  # aug.factor of what is built, as clone_project sets it, and of what is then asked for


@dataclass(frozen=True)
class Command:
    """A command that is disturbed: how it is typed, what its clone is and has, and whether it saves an experiment.

    base: the name of what the clone is a copy of. asks: the parameters that are other than those of the base, as
    Clone.set takes them.
    """

    typed: tuple[str, ...]
    base: str = "built"
    asks: tuple[tuple[str, Any], ...] = ()
    saved: bool = False

    def __str__(self) -> str:
        return " ".join(self.typed)


TYPED = ("snakemake", "--cores", "2", "report")
METRICS = Command(TYPED, asks=(("aug__factor", WANTED),), saved=True)
COMMANDS = (
    METRICS,
    Command(("dvc", "exp", "run", "-S", f"aug.factor={WANTED}"), saved=True),
    Command(("dvc", "repro"), asks=(("aug__factor", WANTED),)),
    Command(("snakemake", "--cores", "2", "--until", "other_polynomials", "--", "article")),
    Command(("dvc", "push")),
    Command(("dvc", "pull"), base="pushed"),
)


@dataclass(frozen=True)
class Undisturbed:
    """A run that nothing disturbed: what it left, how it ended, and the marked steps that it passed, as they came."""

    state: dict[str, bytes]
    ended: Ended
    steps: tuple[str, ...]


class Bench:
    """Where trials are made: a folder with bases to copy, and what undisturbed runs come to."""

    def __init__(self, folder: Path, first: Clone | None = None, audits: bool = True):
        """Make everything below `folder`.

        first: a clone that is built with a factor of STALE, if there is one. audits: whether trials ask audit, too.
        """
        self.audits = audits
        self._first = first
        self._folder = folder
        self._lock = threading.RLock()
        self._bases: dict[str, Place] = {}
        self._shared: dict[str, Place] = {}
        self._states: dict[str, dict[str, bytes]] = {}
        self._undisturbed: dict[Command, Undisturbed] = {}
        self._number = 0

    def base(self, name: str) -> Place:
        """Return a base, not to be changed: `built` by Snakemake with a factor of STALE, and the like."""
        with self._lock:
            if name not in self._bases:
                making: dict[str, Callable[[], Place]] = {
                    "empty": self._empty,
                    "built": self._built,
                    "pushed": self._pushed,
                }
                self._bases[name] = making[name]()
            return self._bases[name]

    def state(self, base: str) -> dict[str, bytes]:
        """Return what a base has, as state.of does."""
        with self._lock:
            if base not in self._states:
                self._states[base] = state.of(self.base(base))
            return self._states[base]

    def place(self, base: str) -> Place:
        """Return a copy of a base, to be disturbed."""
        with self._lock:
            self._number += 1
            folder = self._folder / f"{base}-{self._number}"
        return self.base(base).copy(folder)

    def shared(self, base: str) -> Place:
        """Return the one copy of a base in which trials follow one another."""
        with self._lock:
            if base not in self._shared:
                self._shared[base] = self.place(base)
            return self._shared[base]

    def ready(self, command: Command) -> Place:
        """Return a place in which a command has something to do."""
        place = self.place(command.base)
        if command.asks:
            place.set(**dict(command.asks))
        return place

    def undisturbed(self, command: Command) -> Undisturbed:
        """Return what the command comes to when nothing disturbs it."""
        with self._lock:
            if command not in self._undisturbed:
                place = self.ready(command)
                log = place.folder.parent / "steps"
                ended = place.finish(command.typed, **hunting(place))
                if ended.status:
                    raise AssertionError(f"{command} ended with {ended.status}\n{ended.said}")
                passed = log.read_text().splitlines() if log.exists() else []
                found = state.of(place)
                if wrong := state.wrong(place, found, ended, command.saved, self.audits):
                    raise AssertionError(f"{command}, undisturbed: {wrong}")
                self._undisturbed[command] = Undisturbed(found, ended, tuple(passed))
                place.remove()
            return self._undisturbed[command]

    def _empty(self) -> Place:
        place = Place(self._folder / "empty/clone")
        place.folder.mkdir(parents=True)
        return place

    def _built(self) -> Place:
        if self._first is None:
            place = Place(clone_project(self._folder / "built/clone").folder)
            place.do(*TYPED)
        else:
            place = Place(self._first.folder).copy(self._folder / "built")
        place.do("dvc", "remote", "add", "--default", "store", "../remote")
        place.do("git", "add", "--all")
        place.do("git", "commit", "--quiet", "--message", "Built")
        # The commit is a new baseline, for which an experiment is to be saved.
        place.do(*TYPED)
        return place

    def _pushed(self) -> Place:
        place = self.base("built").copy(self._folder / "pushed")
        place.do("dvc", "push")
        for name in ("clone/.dvc/cache", "clone/.dvc/tmp", "clone/.snakemake", "cache", "site"):
            shutil.rmtree(place.folder.parent / name, ignore_errors=True)
        subprocess.run(["git", "clean", "-fdXq", "data"], cwd=place.folder, check=True)
        return place


def hunting(place: Place, **chosen: str) -> dict[str, str]:
    """Return the environment in which every Python notes its steps, and sends a signal at the one that is chosen."""
    named = {f"ASSASSIN_{name}": value for name, value in chosen.items()}
    root = place.folder.parent
    return {"PYTHONPATH": str(ASSASSIN), "ASSASSIN_ROOT": str(root), "ASSASSIN_LOG": str(root / "steps"), **named}
