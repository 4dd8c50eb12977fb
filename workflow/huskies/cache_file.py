"""A table in an SQLite file that is a cache: replaced where it is damaged, in memory where no file can be written.

SQLite makes it safe under several writers and kill -9. What the table says is for its user to check: a flipped bit of
a row is no damage that SQLite sees. Whatever is wrong with the file, no error leaves this module.
"""

import os
import re
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import platformdirs

Result = TypeVar("Result")

# What time, space or rights would put right; another file would not.
_NO_DAMAGE = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_AUTH,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_NOLFS,
    sqlite3.SQLITE_INTERRUPT,
}
# Beside SQLite's own: what Python says where it cannot decode a schema whose text is no text, nor give SQLite a path or
# a number that it has no type for.
_ERRORS = (sqlite3.Error, UnicodeError, OverflowError)


def cache_folder() -> Path:
    """Return the user's cache folder for Two Huskies; safe to delete at any time."""
    return platformdirs.user_cache_path("two-huskies")


class CacheFile:
    """One table of an SQLite file. Use as a context manager."""

    def __init__(self, path: Path, table: str, seconds: float, pragmas: Sequence[str] = ()):
        """Open or make the file.

        table: as SQLite keeps it, "CREATE TABLE name (…)"; a file with any other is replaced. seconds: how long to
        wait for another process' lock. pragmas: settings of the connection, in their order.
        """
        self._path, self._table, self._seconds, self._pragmas = path, table, seconds, pragmas
        self._connection = self._opened()

    def __enter__(self) -> "CacheFile":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def do(self, work: Callable[[sqlite3.Connection], Result], otherwise: Result) -> Result:
        """Return work(connection), one transaction; where that fails, `otherwise`, with a new file if it is damaged."""
        try:
            with self._connection:
                return work(self._connection)
        except _ERRORS as error:
            if self._is_damage(error):
                self.replace()
            return otherwise

    def replace(self) -> None:
        """Go on with a new file, also where only who reads the rows can see that the old one is damaged."""
        self._connection.close()
        self._remove()
        self._connection = self._opened()

    def _opened(self) -> sqlite3.Connection:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            return self._connect(str(self._path))
        except OSError:
            return self._connect(":memory:")
        except _ERRORS as error:
            if not self._is_damage(error):
                return self._connect(":memory:")
        self._remove()
        try:
            return self._connect(str(self._path))
        except _ERRORS:
            return self._connect(":memory:")

    def _connect(self, path: str) -> sqlite3.Connection:
        connection = sqlite3.connect(path, timeout=self._seconds)
        try:
            # Bytes that are no text are those of no key, and no reason to stop.
            connection.text_factory = lambda text: text.decode(errors="replace")
            for pragma in self._pragmas:
                connection.execute(f"PRAGMA {pragma}")
            connection.execute(re.sub("^CREATE TABLE", "CREATE TABLE IF NOT EXISTS", self._table))
            found = connection.execute("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL").fetchall()
            if found != [(self._table,)]:
                raise sqlite3.DatabaseError("the file has another table, or more than one")
        except _ERRORS:
            connection.close()
            raise
        return connection

    def _remove(self) -> None:
        try:
            for ending in ("", "-wal", "-shm", "-journal"):
                self._path.with_name(self._path.name + ending).unlink(missing_ok=True)
        except OSError:
            # It cannot be opened either, then, and memory serves.
            pass

    def _is_damage(self, error: Exception) -> bool:
        if isinstance(error, UnicodeEncodeError | OverflowError):
            return False
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)
        # SQLite also only reads a file of which one byte says that a later version wrote it.
        if code == sqlite3.SQLITE_READONLY:
            return os.access(self._path, os.W_OK) and os.access(self._path.parent, os.W_OK)
        return code & 0xFF not in _NO_DAMAGE
