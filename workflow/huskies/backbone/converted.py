"""Converted backbones in the user's cache folder: each is made once, by one process, and the last few used are kept."""

import contextlib
import fcntl
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from huskies import cache_file

_FOLDER = "backbones"
_KEPT_AT_MOST = 10


def kept(name: str, make: Callable[[], dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Return what is kept under a name; where nothing sound is, make it and keep it. Another process waits for that."""
    path = cache_file.cache_folder() / _FOLDER / f"{name}.npz"
    if found := _read(path):
        return found
    with _alone(path.with_suffix(".lock")):
        if found := _read(path):
            return found
        made = make()
        # What cannot be kept (a full disk, a read-only one) is made again next time.
        with contextlib.suppress(OSError):
            _keep(path, made)
        return made


def _read(path: Path) -> dict[str, np.ndarray] | None:
    """Return what a file keeps, None where there is nothing sound."""
    # A zip checks its bytes as they are read, and damage shows as many kinds of error.
    with contextlib.suppress(Exception):
        with open(path, "rb") as file, np.load(file) as kept:
            found = dict(kept)
        path.touch()
        return found
    return None


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Let one process at a time go on: what it makes is there for the others. Where no lock can be had, let all."""
    with contextlib.ExitStack() as held:
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            file = held.enter_context(open(path, "a+"))
            fcntl.flock(file, fcntl.LOCK_EX)
            held.callback(path.unlink, missing_ok=True)
        yield


def _keep(path: Path, made: dict[str, np.ndarray]) -> None:
    """Write a backbone, there as a whole or not at all, and forget the longest unused beyond the bound."""
    with cache_file.unfinished(path) as written:
        np.savez(written, **made)
    kept = sorted(path.parent.glob("*.npz"), key=lambda each: each.stat().st_mtime, reverse=True)
    for forgotten in kept[_KEPT_AT_MOST:]:
        forgotten.unlink(missing_ok=True)
