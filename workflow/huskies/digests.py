"""Digests of files, remembered by what a stat says of them, so that a second run only stats.

The memory is keyed by path, size, mtime, ctime and inode: ctime cannot be set back, so an edit is noticed even
where size and mtime are restored. DVC goes without ctime and would not notice it, and then record the new results
as those of the old file; so such a file gets the time of its discovery as its mtime. The memory is a cache of the
user's, disposable, and shared by all workspaces.
"""

import contextlib
import functools
import hashlib
import os
import sqlite3
import time
import zlib
from collections.abc import Iterable
from pathlib import Path

from huskies.cache_file import CacheFile, database_folder
from huskies.errors import HuskyError

# A file changed within this time of being read could change again without its times showing it.
_UNSETTLED_NS = 2_000_000_000
_UNREADABLE = "unreadable: "
_TABLE = "CREATE TABLE digests (path TEXT PRIMARY KEY, size, mtime_ns, ctime_ns, inode, sha256, checksum) WITHOUT ROWID"
_NEVER = 0  # a ctime that no file has: what is remembered with it is read again


def file_digest(path: Path) -> str:
    """Return the sha256 of one file. Raises HuskyError if it cannot be read."""
    try:
        digest = file_digests([(str(path), path.stat())])[0]
    except OSError as error:
        digest = f"{_UNREADABLE}{error.strerror}"
    if digest.startswith(_UNREADABLE):
        raise HuskyError(f"cannot read {path}: {digest.removeprefix(_UNREADABLE)}.")
    return digest


def path_digest(path: Path) -> str:
    """Return the sha256 of a file, or of the names and contents of all files in a folder.

    Raises HuskyError if one cannot be read.
    """
    if not path.is_dir():
        return file_digest(path)
    files = sorted(each for each in path.rglob("*") if not each.is_dir())
    listed = "".join(f"{file_digest(each)}  {each.relative_to(path).as_posix()}\n" for each in files)
    return hashlib.sha256(listed.encode()).hexdigest()


def file_digests(files: Iterable[tuple[str, os.stat_result]]) -> list[str]:
    """Return the sha256 of each file, from memory where its stat is as it was."""
    files = [(os.path.abspath(path), status) for path, status in files]
    keys = [(s.st_size, s.st_mtime_ns, s.st_ctime_ns, s.st_ino) for _, s in files]
    known = _recall([path for path, _ in files])
    digests, fresh = [], []
    now = time.time_ns()
    for (path, status), key in zip(files, keys, strict=True):
        remembered = known.get(path)
        if remembered is not None and remembered[:4] == key:
            digests.append(remembered[4])
            continue
        try:
            with open(path, "rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            # The reason is part of the identity; convert lists the file in rejected.csv.
            digest = f"{_UNREADABLE}{error.strerror}"
        else:
            if remembered is not None and remembered[4] != digest and _same_to_dvc(remembered, key):
                with contextlib.suppress(OSError):
                    os.utime(path)
            settled = now - max(status.st_mtime_ns, status.st_ctime_ns) > _UNSETTLED_NS
            fresh.append((path, *key[:2], key[2] if settled else _NEVER, key[3], digest))
        digests.append(digest)
    _remember(fresh, known)
    return digests


def _same_to_dvc(one: tuple, other: tuple) -> bool:
    return (one[0], one[1], one[3]) == (other[0], other[1], other[3])


def _memory() -> CacheFile:
    folder = database_folder()
    return CacheFile(folder / "digests.sqlite" if folder else None, _TABLE, seconds=10)


def _recall(paths: list[str]) -> dict[str, tuple]:
    """Return (size, mtime, ctime, inode, sha256) of those paths that are remembered, and rightly."""
    if not paths:
        return {}
    # Without the memory everything is read again, which is slower and no less right.
    with _memory() as memory:
        return memory.do(functools.partial(_select, paths), {})


def _select(paths: list[str], connection: sqlite3.Connection) -> dict[str, tuple]:
    select = "SELECT * FROM digests WHERE path BETWEEN ? AND ?"
    rows = connection.execute(select, (min(paths), max(paths))).fetchall()
    return {row[0]: row[1:-1] for row in rows if _checksum(row[:-1]) == row[-1]}


def _remember(rows: list[tuple], known: dict[str, tuple]) -> None:
    """Write rows of paths and what _recall returns of them, beside those that are known."""
    if not rows:
        return
    paths = [*known, *(row[0] for row in rows)]
    values = [(*row, _checksum(row)) for row in rows]

    def written(connection: sqlite3.Connection) -> bool:
        connection.executemany("INSERT OR REPLACE INTO digests VALUES (?, ?, ?, ?, ?, ?, ?)", values)
        return _select(paths, connection).keys() >= set(paths)

    with _memory() as memory:
        # A flipped bit can put rows out of their order, where they are written and never found.
        if not memory.do(written, True):
            memory.replace()
            memory.do(written, True)


def _checksum(row: tuple) -> int:
    """Return what a row carries, so that a flipped bit in a remembered sha256 is no identity of other images."""
    return zlib.crc32(repr(row).encode(errors="surrogateescape"))
