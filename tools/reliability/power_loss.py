"""Power cuts: whatever was not synced survives or not, at random, and then the same command is given again."""

import contextlib
import ctypes
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from random import Random

import numpy as np
from huskies import ledger, receipt
from huskies.backbone.store import Store
from huskies.errors import HuskyError
from huskies.planning import stage_list
from project import WORKING_TREE

from reliability import state
from reliability.bench import METRICS, Bench, Command
from reliability.trial import PATIENCE, Outcome, Place, Row

# What git and DVC keep is theirs to sync; dvc.lock, which record puts right, is not among it.
GIT_AND_DVC = r"clone/\.(git|dvc)/|site/"
NOTHING = "(?!)"
LOOK = Command(("snakemake", "--cores", "2", "test"))
_libc = ctypes.CDLL(None)


class Disk:
    """A disk at `folder` that forgets on a power cut what was not synced. Its content is that of the folder before."""

    def __init__(self, folder: Path, seed: int, after: str = "", exempt: str = NOTHING):
        """Mount the disk; after the rename to a path that matches `after` it loses its power by itself."""
        self._folder, self._survived = folder, folder.with_name(f"{folder.name}-survived")
        self._durable = folder.rename(folder.with_name(f"{folder.name}-durable"))
        folder.mkdir()
        command = [
            sys.executable,
            "-m",
            "reliability.fuse",
            self._durable,
            folder,
            self._survived,
            str(seed),
            after,
            exempt,
        ]
        self._server = subprocess.Popen(command, cwd=WORKING_TREE / "tools", stdout=subprocess.PIPE, text=True)
        if self._server.stdout.readline() != "mounted\n":
            raise AssertionError("the disk was not mounted")

    def has_power(self) -> bool:
        """Tell whether the power is still there."""
        return self._server.poll() is None

    def cut(self) -> None:
        """Cut the power, if it is still there."""
        with contextlib.suppress(ProcessLookupError):
            self._server.send_signal(signal.SIGUSR1)

    def restart(self) -> None:
        """Put what survived in the disk's place; whatever ran on the disk must have been killed."""
        self._server.wait()
        self._server.stdout.close()
        _libc.umount2(str(self._folder).encode(), 2)
        self._folder.rmdir()
        self._survived.rename(self._folder)
        shutil.rmtree(self._durable)


@contextlib.contextmanager
def cut_at(place: Place, disk: Disk, after: float | None) -> Iterator[None]:
    """Cut the power `after` so many seconds, or when the disk does, or when what runs in the block has ended."""
    began = time.monotonic()
    try:
        yield
        while disk.has_power() and (after is None or time.monotonic() - began < after):
            if not place.processes() or time.monotonic() - began > PATIENCE:
                break
            time.sleep(0.02)
    finally:
        disk.cut()
        while disk.has_power():
            time.sleep(0.02)
        place.kill()
        disk.restart()


def untrue(place: Place) -> list[str]:
    """Return what survived and must not have: receipts that vouch for what is not there, and a damaged ledger."""
    found = []
    for name in stage_list.tracked(place.folder):
        folder = place.folder / "data" / name
        if receipt.read(folder) is not None and receipt.damage(folder):
            found.append(f"the receipt of data/{name} survived its data")
    try:
        ledger.read(place.folder / "ledger.csv")
    except HuskyError:
        found.append("the ledger is damaged")
    return found


def cut_metrics(exempt: str, bench: Bench, number: int, random: Random) -> Outcome:
    """Cut the power in `snakemake metrics`: by turns right after a stage's rename, and at a random moment."""
    right = bench.undisturbed(METRICS)
    renamed = [
        name for name in stage_list.tracked(WORKING_TREE) if any(each.endswith(f"/data/{name}") for each in right.steps)
    ]
    stage = renamed[number // 2 % len(renamed)]
    after, moment = (f"clone/data/{stage}", None) if number % 2 == 0 else ("", random.uniform(1, right.ended.seconds))
    return cut(bench, METRICS, after, moment, random, exempt)


def cut(bench: Bench, command: Command, after: str, moment: float | None, random: Random, exempt: str) -> Outcome:
    """Cut the power in a command, restart, give it again, and say what is lost."""
    right = bench.undisturbed(command)
    place = bench.ready(command)
    disk = Disk(place.folder.parent, random.getrandbits(32), after, exempt)
    with cut_at(place, disk, moment):
        running = place.start(command.typed)
    running.process.wait()
    lost = untrue(place)
    again = place.finish(command.typed)
    lost += state.wrong(place, right.state, again, command.saved, bench.audits)
    if lost:
        print(f"--- power cut at {after or moment}: {lost}\n--- again:\n{again.said[-2500:]}", file=sys.stderr)
    place.remove()
    return Outcome(tuple(lost), f"again: {again.in_words()}")


def cut_look(bench: Bench, number: int, random: Random) -> Outcome:
    """Cut the power in `snakemake test`, by turns right after the ledger's rename and at a random moment."""
    place = bench.place("built")
    looks = len(ledger.read(place.folder / "ledger.csv"))
    after, moment = (r"clone/ledger\.csv", None) if number % 2 == 0 else ("", random.uniform(1, 20))
    with cut_at(place, Disk(place.folder.parent, random.getrandbits(32), after, GIT_AND_DVC), moment):
        running = place.start(LOOK.typed)
    running.process.wait()
    lost = untrue(place)
    again = place.finish(LOOK.typed)
    if again.status:
        lost.append("the same command does not work again")
    elif "the ledger is damaged" not in lost and len(ledger.read(place.folder / "ledger.csv")) == looks:
        lost.append("the look is not in the ledger")
    place.remove()
    return Outcome(tuple(lost), f"again: {again.in_words()}")


_FILL = """
import itertools, sys
from pathlib import Path
import numpy as np
from huskies.backbone.store import Store
from project import WORKING_TREE
with Store(Path(sys.argv[1])) as store:
    for number in itertools.count():
        store.put([(str(number), np.full(512, number, np.float32))])
"""


def cut_store(bench: Bench, number: int, random: Random) -> Outcome:
    """Cut the power while rows are put into the bottleneck store; afterwards no row may be another than was put."""
    place = bench.place("empty")
    folder = place.folder / "store"
    path = {"PYTHONPATH": str(WORKING_TREE / "workflow")}
    with cut_at(place, Disk(place.folder.parent, random.getrandbits(32)), random.uniform(0.5, 3)):
        running = place.start([sys.executable, "-c", _FILL, str(folder)], **path)
    running.process.wait()
    lost = []
    with Store(folder) as store:
        rows = dict(store.get(map(str, range(100_000))))
        if any((vector != float(name)).any() for name, vector in rows.items()):
            lost.append("a row is another than was put")
        store.put([("new", np.ones(512, np.float32))])
        if "new" not in dict(store.get(["new"])):
            lost.append("nothing can be put any more")
    place.remove()
    return Outcome(tuple(lost), "rows that survived are whole" if rows else "no row survived")


def rows() -> list[Row]:
    """Return the rows of this module."""
    metrics = "`snakemake --cores 2 report`"
    return [
        Row("power cut, metrics", f"{metrics}: power cut right after a stage's rename, or at a random moment; what git "
            "and DVC keep for themselves is spared", 100, partial(cut_metrics, GIT_AND_DVC)),
        Row("power cut, git and DVC too", f"{metrics}: power cut likewise, and nothing is spared", 20,
            partial(cut_metrics, NOTHING)),
        Row("power cut, test", "`snakemake --cores 2 test`: power cut right after the ledger's rename, or at a random "
            "moment", 20, cut_look),
        Row("power cut, store", "power cut while the bottleneck store is written", 50, cut_store),
    ]  # fmt: skip
