"""The bottleneck store: features by content, shared by all workspaces and experiments of the user.

A row's key is a hash of the image's bytes and of the backbone's identity, so a stale row cannot be found under
the key of a changed image: the trap of caches keyed by file name. Every row carries a digest of its own, so a
damaged row is computed again. Safe to delete.
"""

import functools
import hashlib
import itertools
import sqlite3
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from huskies.cache_file import CacheFile

NAME = "bottlenecks.sqlite"
_TABLE = "CREATE TABLE bottlenecks (key TEXT PRIMARY KEY, features BLOB, digest BLOB, used REAL)"
_BYTES_AT_MOST = 4 << 30
_CHUNK = 500  # keys in one query; SQLite allows 999 on older builds


def key(image_sha256: str, identity: str) -> str:
    """Return the key of one image under one backbone identity."""
    return hashlib.sha256(f"{identity}:{image_sha256}".encode()).hexdigest()


class Store:
    """A dictionary from key to a float32 vector, on disk, in `folder`. Use as a context manager."""

    def __init__(self, folder: Path | None):
        """Open or make the store. One that is damaged is replaced; where none can be, memory serves this run.

        folder: on a disk of this machine alone. Without one, nothing is stored, and nothing known.
        """
        path = folder / NAME if folder else None
        # A kill loses nothing. A power cut may lose the last rows, which are computed again.
        self._file = CacheFile(path, _TABLE, seconds=60, pragmas=["journal_mode=WAL", "synchronous=NORMAL"])

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.__exit__()

    def get(self, keys: Iterable[str]) -> Iterator[tuple[str, np.ndarray]]:
        """Yield (key, float32 vector) for those keys that are stored and undamaged."""
        wanted = list(keys)
        for start in range(0, len(wanted), _CHUNK):
            for name, features, digest in self._select(wanted[start : start + _CHUNK]):
                if isinstance(features, bytes) and _digest(name, features) == digest:
                    yield name, np.frombuffer(features, np.float32)

    def _select(self, keys: list[str]) -> list[tuple[str, bytes, bytes]]:
        marks = ",".join("?" * len(keys))
        select = f"SELECT key, features, digest FROM bottlenecks WHERE key IN ({marks})"
        update = f"UPDATE bottlenecks SET used = ? WHERE key IN ({marks})"
        rows = self._file.do(lambda connection: connection.execute(select, keys).fetchall(), [])
        self._file.do(lambda connection: connection.execute(update, [time.time(), *keys]), None)
        return rows

    def put(self, rows: Iterable[tuple[str, np.ndarray]]) -> None:
        """Store vectors under their keys, a few at a time, and forget the longest unused beyond the bound.

        What cannot be stored (a full disk, a lock held for a minute, a damaged store) is computed again next time.
        """
        now, rows = time.time(), iter(rows)
        while few := list(itertools.islice(rows, _CHUNK)):
            blobs = [(name, np.asarray(vector, np.float32).tobytes()) for name, vector in few]
            values = [(name, blob, _digest(name, blob), now) for name, blob in blobs]
            if not self._file.do(functools.partial(_insert, values), False):
                return
            while self._file.do(_evict, False):
                pass


def _insert(values: list[tuple[str, bytes, bytes, float]], connection: sqlite3.Connection) -> bool:
    connection.executemany("INSERT OR REPLACE INTO bottlenecks VALUES (?, ?, ?, ?)", values)
    return True


def _evict(connection: sqlite3.Connection) -> bool:
    """Delete the longest unused fifth, or at least one row, of a store beyond the bound; tell whether any were.

    The file does not shrink: SQLite uses the pages that become free before it asks for more.
    """

    def pragma(name: str) -> int:
        return connection.execute(f"PRAGMA {name}").fetchone()[0]

    if (pragma("page_count") - pragma("freelist_count")) * pragma("page_size") <= _BYTES_AT_MOST:
        return False
    deleted = connection.execute(
        "DELETE FROM bottlenecks WHERE key IN (SELECT key FROM bottlenecks ORDER BY used"
        " LIMIT (SELECT MAX(COUNT(*) / 5, 1) FROM bottlenecks))"
    )
    return deleted.rowcount > 0


def _digest(name: str, features: bytes) -> bytes:
    return hashlib.sha256(name.encode() + features).digest()[:8]
