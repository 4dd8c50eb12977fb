"""A table in an SQLite file that is a cache: replaced where it is damaged, in memory where no file can be written.

SQLite needs locks, and for its log memory, that all its users share: such a file is never put where machines share it.

SQLite makes it safe under several writers and kill -9. What the table says is for its user to check: a flipped bit of
a row is no damage that SQLite sees. Whatever is wrong with the file, no error leaves this module.
"""

import contextlib
import os
import re
import sqlite3
import stat
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import platformdirs

from huskies import file_systems

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
# Where files outlast a restart, on a disk in all likelihood.
_OWN_DISK = "/var/tmp"


def cache_folder() -> Path:
    """Return the user's cache folder for Two Huskies; safe to delete at any time."""
    return platformdirs.user_cache_path("two-huskies")


@contextlib.contextmanager
def unfinished(path: Path) -> Iterator[Path]:
    """Give the path of a file to write, which then takes its place in the cache: there as a whole or not at all.

    A power cut may lose it, so whoever reads it checks it. Raises OSError where nothing can be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        written = Path(folder, path.name)
        yield written
        os.replace(written, path)


@contextlib.contextmanager
def empty_cache_folder() -> Iterator[None]:
    """Have an empty folder in place of the user's caches, until the end."""
    before = os.environ.get("XDG_CACHE_HOME")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = folder
        try:
            yield
        finally:
            del os.environ["XDG_CACHE_HOME"]
            if before is not None:
                os.environ["XDG_CACHE_HOME"] = before


def database_folder() -> Path | None:
    """Return where SQLite files of the cache lie: in its folder, or where machines share that, on this machine's disk.

    None where there is no such disk.
    """
    folder = cache_folder()
    if not file_systems.is_shared(folder):
        return folder
    places = [Path(each, f"two-huskies-{os.getuid()}") for each in (os.environ.get("TMPDIR"), _OWN_DISK) if each]
    return next((each for each in places if file_systems.is_own_disk(each) and _is_private(each)), None)


def _is_private(folder: Path) -> bool:
    """Make a folder in a place that all users write to, if it is not there; tell whether it is this user's alone."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not stat.S_IMODE(found.st_mode) & 0o077


class CacheFile:
    """One table of an SQLite file. Use as a context manager."""

    def __init__(self, path: Path | None, table: str, seconds: float, pragmas: Sequence[str] = ()):
        """Open or make the file. Without a path nothing is kept, and whatever is done fails.

        table: as SQLite keeps it, "CREATE TABLE name (…)"; a file with any other is replaced. seconds: how long to
        wait for another process' lock. pragmas: settings of the connection, in their order.
        """
        self._path, self._table, self._seconds, self._pragmas = path, table, seconds, pragmas
        self._connection = self._opened() if path else None

    def __enter__(self) -> "CacheFile":
        return self

    def __exit__(self, *_: object) -> None:
        if self._connection:
            self._connection.close()

    def do(self, work: Callable[[sqlite3.Connection], Result], otherwise: Result) -> Result:
        """Return work(connection), one transaction; where that fails, `otherwise`, with a new file if it is damaged."""
        if self._connection is None:
            return otherwise
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
