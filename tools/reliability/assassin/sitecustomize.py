"""Loaded by every Python of a run: notes each marked step, and sends a signal just before or after the chosen one.

Steps: every rename, every creation and removal of Snakemake's markers, and every opening for writing of the files by
which DVC, git and the ledger go. A step's name has its paths below ASSASSIN_ROOT, without digests and process ids.
"""

import base64
import builtins
import contextlib
import fcntl
import io
import os
import re
import signal
import threading

ROOT, LOG = os.environ["ASSASSIN_ROOT"], os.environ["ASSASSIN_LOG"]
TARGET = os.environ.get("ASSASSIN_STEP", "")  # `before rename a -> b #2`; nothing: only note
SIGNAL = int(os.environ.get("ASSASSIN_SIGNAL", signal.SIGKILL))
GROUP = os.environ.get("ASSASSIN_TO", "group") == "group"
WRITTEN = re.compile(
    r"(clone/)?(dvc\.lock|params\.yaml|\.?ledger\.csv.*|\.git/index\.lock|\.dvc/tmp/.*|\.snakemake/incomplete/.*)"
)
# Files in them have a name that is drawn, and are many: they share one.
FOLDERS = (
    r"remote/",
    r"cache/snakemake/",
    r"clone/\.git/objects/",
    r"clone/\.git/refs/exps/",
    r"clone/\.dvc/cache/",
    r"clone/\.dvc/tmp/\w+/",
    r"clone/data/\w+/",
)
busy = threading.local()


def name_of(path: object) -> str | None:
    """Return a path below ROOT as it stands in a step's name, None for any other."""
    if not isinstance(path, str | bytes | os.PathLike):
        return None
    path = os.path.relpath(os.path.abspath(os.fsdecode(path)), ROOT)
    if path.startswith(".."):
        return None
    folder, _, last = path.rpartition("/")
    if folder.endswith(".snakemake/incomplete"):
        with contextlib.suppress(ValueError):
            path = f"{folder}/{base64.b64decode(last, validate=True).decode()}"
    for folder in FOLDERS:
        if (found := re.match(folder, path)) and not last.startswith("receipt-"):
            return f"{found[0]}*"
    return re.sub(r"(?<=[-./_])(?=\w*\d)[0-9a-zA-Z_]{6,}|(?<=\.)\d+(?=$|/)|\btmp\w{8}\b", "*", path)


def passed(when: str, step: str) -> None:
    """Note that the run is just before or after a step; if that is the chosen one, send the signal."""
    busy.now = True
    try:
        line = f"{when} {step}"
        descriptor = os_open(LOG, os.O_RDWR | os.O_CREAT | os.O_APPEND)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            size = os.fstat(descriptor).st_size
            seen = os.pread(descriptor, size, 0).decode().splitlines().count(line) + 1
            os.write(descriptor, f"{line}\n".encode())
        finally:
            os.close(descriptor)
        if f"{line} #{seen}" == TARGET:
            os.killpg(os.getpgid(0), SIGNAL) if GROUP else os.kill(os.getpgid(0), SIGNAL)
    finally:
        busy.now = False


def watched(real, step_of):
    """Return a function like `real` that passes its step, if step_of(*arguments) gives one, before and after."""

    def watching(*arguments, **named):
        step = None if getattr(busy, "now", False) else step_of(*arguments, **named)
        if step is None:
            return real(*arguments, **named)
        passed("before", step)
        made = real(*arguments, **named)
        passed("after", step)
        return made

    for known in (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks):
        if real in known:
            known.add(watching)
    return watching


def renamed(source, target, *_, **__) -> str | None:
    """Return the step of a rename."""
    names = name_of(source), name_of(target)
    return None if None in names else f"rename {names[0]} -> {names[1]}"


def removed(path, *_, dir_fd=None, **__) -> str | None:
    """Return the step of the removal of a file, if it is one of Snakemake's markers or a lock."""
    name = None if dir_fd is not None else name_of(path)
    return f"remove {name}" if name and WRITTEN.fullmatch(name) else None


def opened(path, mode="r", *_, **__) -> str | None:
    """Return the step of an opening, if it is for writing and of one of the files that matter."""
    writes = mode & (os.O_WRONLY | os.O_RDWR) if isinstance(mode, int) else set("wax+") & set(mode)
    name = name_of(path) if writes else None
    return f"write {name}" if name and WRITTEN.fullmatch(name) else None


os_open = os.open
os.rename, os.replace = watched(os.rename, renamed), watched(os.replace, renamed)
os.remove, os.unlink = watched(os.remove, removed), watched(os.unlink, removed)
os.open = watched(os.open, opened)
builtins.open = io.open = watched(builtins.open, opened)
