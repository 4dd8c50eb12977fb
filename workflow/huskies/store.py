"""The bottleneck store: features by content, shared by all workspaces and experiments of the user.

A row's key is a hash of the image's bytes and of the backbone's identity, so a stale row cannot be found under
the key of a changed image: the trap of caches keyed by file name. SQLite makes it safe under several writers
and kill -9; every row carries a digest of its own, so a damaged row is computed again. Safe to delete.
"""

import contextlib
import hashlib
import itertools
import sqlite3
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

NAME = "bottlenecks.sqlite"
_BYTES_AT_MOST = 4 << 30
_CHUNK = 500  # keys in one query; SQLite allows 999 on older builds


def key(image_sha256: str, identity: str) -> str:
    """Return the key of one image under one backbone identity."""
    return hashlib.sha256(f"{identity}:{image_sha256}".encode()).hexdigest()


class Store:
    """A dictionary from key to a float32 vector, on disk, in `folder`. Use as a context manager."""

    def __init__(self, folder: Path):
        """Open or make the store. One that is damaged is replaced; where none can be, memory serves this run."""
        self._path = folder / NAME
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._connection = self._open(self._path)
        except (sqlite3.OperationalError, OSError):
            self._connection = self._open(Path(":memory:"))
        except sqlite3.DatabaseError:
            self._replace()

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def _open(self, path: Path) -> sqlite3.Connection:
        connection = sqlite3.connect(path, timeout=60)
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            # A kill loses nothing. A power cut may lose the last rows, which are computed again.
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.execute(
                "CREATE TABLE IF NOT EXISTS bottlenecks (key TEXT PRIMARY KEY, features BLOB, digest BLOB, used REAL)"
            )
        except sqlite3.DatabaseError:
            connection.close()
            raise
        return connection

    def _replace(self) -> None:
        try:
            for ending in ("", "-wal", "-shm"):
                self._path.with_name(NAME + ending).unlink(missing_ok=True)
            self._connection = self._open(self._path)
        except (sqlite3.OperationalError, OSError):
            self._connection = self._open(Path(":memory:"))

    def get(self, keys: Iterable[str]) -> Iterator[tuple[str, np.ndarray]]:
        """Yield (key, float32 vector) for those keys that are stored and undamaged."""
        wanted = list(keys)
        for start in range(0, len(wanted), _CHUNK):
            for name, features, digest in self._select(wanted[start : start + _CHUNK]):
                if isinstance(features, bytes) and _digest(name, features) == digest:
                    yield name, np.frombuffer(features, np.float32)

    def _select(self, keys: list[str]) -> list[tuple[str, bytes, bytes]]:
        marks = ",".join("?" * len(keys))
        try:
            rows = self._connection.execute(
                f"SELECT key, features, digest FROM bottlenecks WHERE key IN ({marks})", keys
            ).fetchall()
            with contextlib.suppress(sqlite3.OperationalError), self._connection:
                self._connection.execute(
                    f"UPDATE bottlenecks SET used = ? WHERE key IN ({marks})", [time.time(), *keys]
                )
            return rows
        except sqlite3.OperationalError:
            return []
        except sqlite3.DatabaseError:
            self._connection.close()
            self._replace()
            return []

    def put(self, rows: Iterable[tuple[str, np.ndarray]]) -> None:
        """Store vectors under their keys, a few at a time, and forget the longest unused beyond the bound.

        What cannot be stored (a full disk, a lock held for a minute, a damaged store) is computed again next time.
        """
        now, rows = time.time(), iter(rows)
        try:
            while few := list(itertools.islice(rows, _CHUNK)):
                blobs = [(name, np.asarray(vector, np.float32).tobytes()) for name, vector in few]
                values = [(name, blob, _digest(name, blob), now) for name, blob in blobs]
                with self._connection:
                    self._connection.executemany("INSERT OR REPLACE INTO bottlenecks VALUES (?, ?, ?, ?)", values)
            self._evict()
        except sqlite3.OperationalError:
            pass
        except sqlite3.DatabaseError:
            self._connection.close()
            self._replace()

    def _evict(self) -> None:
        def pragma(name: str) -> int:
            return self._connection.execute(f"PRAGMA {name}").fetchone()[0]

        used = (pragma("page_count") - pragma("freelist_count")) * pragma("page_size")
        if used > _BYTES_AT_MOST:
            with self._connection:
                self._connection.execute(
                    "DELETE FROM bottlenecks WHERE key IN (SELECT key FROM bottlenecks ORDER BY used"
                    " LIMIT (SELECT COUNT(*) / 5 FROM bottlenecks))"
                )


def _digest(name: str, features: bytes) -> bytes:
    return hashlib.sha256(name.encode() + features).digest()[:8]
