"""A stage's folder: held by locks, replaced as a whole, and put right after a kill at any line."""

import contextlib
import fcntl
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from huskies import atomic, receipt
from huskies.errors import HuskyError

# What a killed run may leave beside the folders: the old one, half a new one, and what was taken from DVC.
_LEFTOVER = re.compile(r"\.(?:replaced-(\w+)|(\w+)-(?:[0-9a-f]{16}|recorded))$")


@contextlib.contextmanager
def lock(folder: Path, kind: int, wait: bool = True) -> Iterator[None]:
    """Hold a stage's folder: exclusively to build it, shared to read it. Ends with the process, however that ends.

    Raises HuskyError for a lock that cannot be had, and BlockingIOError where another run has it and `wait` is False.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with lock_file(folder.with_name(f".lock-{folder.name}"), kind, folder, wait):
        yield


@contextlib.contextmanager
def lock_file(path: Path, kind: int, used: Path, wait: bool = True) -> Iterator[None]:
    """Hold a file that stands for `used`. Ends and raises as `lock` does."""
    # NFS shares only the lock of a file that is open for reading, and gives only one open for writing to one alone.
    with open(path, "a+") as file:
        try:
            try:
                fcntl.flock(file, kind | fcntl.LOCK_NB)
            except BlockingIOError:
                if not wait:
                    raise
                print(f"another run is using {used}: waiting for it", file=sys.stderr, flush=True)
                fcntl.flock(file, kind)
        except BlockingIOError:
            raise
        except OSError as error:
            raise HuskyError(
                f"cannot lock {path}: {error.strerror}. Without locks two runs could mix their results: turn them on "
                "where the file system is mounted, or work in a copy of the project on another one."
            ) from None
        yield


def recover(folder: Path) -> None:
    """Put back what was there before a kill between the two renames of `swap`, and delete what else it left.

    The folder must be held exclusively.
    """
    # The old folder is still the last good result, whatever empty folder Snakemake has since put in its place.
    replaced = _replaced(folder)
    if replaced.is_dir() and receipt.read(folder) is None and not receipt.damage(replaced):
        shutil.rmtree(folder, ignore_errors=True)
        replaced.rename(folder)
    shutil.rmtree(replaced, ignore_errors=True)
    for unfinished in folder.parent.glob(f".{folder.name}-*"):
        shutil.rmtree(unfinished, ignore_errors=True)


def swap(building: Path, folder: Path) -> None:
    """Put a finished folder in the place of another; it must be held exclusively, and be on the disk."""
    replaced = _replaced(folder)
    if folder.exists():
        folder.rename(replaced)
    building.rename(folder)
    atomic.sync(folder.parent)
    shutil.rmtree(replaced, ignore_errors=True)


def clear(root: Path) -> None:
    """Delete what killed runs have left in `root` of stages that need not run again; what a run holds stays."""
    found = [match for path in root.glob(".*") if (match := _LEFTOVER.match(path.name))]
    for name in {match[1] or match[2] for match in found}:
        with contextlib.suppress(BlockingIOError), lock(root / name, fcntl.LOCK_EX, wait=False):
            recover(root / name)


def _replaced(folder: Path) -> Path:
    return folder.with_name(f".replaced-{folder.name}")
