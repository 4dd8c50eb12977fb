"""Files and folders that are there as a whole or not at all, wherever the process is killed or the power fails.

A rename may reach the disk before what was written under the old name, so whatever a name claims is synced first.
"""

import errno
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

# File systems write many files in one go where they are asked for many at once: 30 times as fast as one by one on ext4.
_AT_ONCE = 16
# What some network file systems say of folders, for which they have nothing to sync.
_CANNOT_SYNC = (errno.EINVAL, errno.ENOTSUP)


def write(path: Path, content: bytes) -> None:
    """Write a file under another name beside it, then rename it."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    with open(unfinished, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(unfinished, path)
    sync(path.parent)


def link(file: str | Path, place: str | Path) -> None:
    """Give a file a second name, where nothing is yet; a copy where file systems know no such name, and across them."""
    try:
        os.link(file, place)
    except OSError:
        shutil.copy2(file, place)


def sync(path: Path) -> None:
    """Have a file's content, or the names in a folder, reach the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _CANNOT_SYNC:
            raise
    finally:
        os.close(descriptor)


def sync_all(folder: Path) -> None:
    """Have all files and folders below a folder, and its own names, reach the disk."""
    paths = [Path(parent, name) for parent, _, names in os.walk(folder) for name in (*names, ".")]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        # All are waited for, and the first failure is raised.
        list(pool.map(sync, paths))
