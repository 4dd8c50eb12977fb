"""The store and the memory of digests: whatever lies in their files, what they say is right, and they work again."""

import hashlib
import os
import random
import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from huskies import cache_file, digests, file_systems
from huskies.backbone import store
from huskies.backbone.store import Store

# `TRIALS=20000 python -m pytest tests/test_cache_file.py` takes an hour or so.
TRIALS = int(os.environ.get("TRIALS", "50"))
STORE, DIGESTS = "bottlenecks.sqlite", "digests.sqlite"
VECTORS = {f"key {number}": np.full(96, number, np.float32) for number in range(60)}


@pytest.fixture(autouse=True)
def _settled(monkeypatch):
    monkeypatch.setattr(digests, "_UNSETTLED_NS", 0)


@pytest.fixture
def files(tmp_path) -> list[Path]:
    found = [tmp_path / f"raw/image {number}.png" for number in range(60)]
    found[0].parent.mkdir()
    for path in found:
        path.write_bytes(path.name.encode())
    return found


def digests_of(files: list[Path]) -> list[str]:
    return digests.file_digests([(str(path), path.stat()) for path in files])


def right(files: list[Path]) -> list[str]:
    return [hashlib.sha256(path.read_bytes()).hexdigest() for path in files]


def stored(folder: Path) -> int:
    """Return how many vectors the store has, all of which must be those that were put."""
    with Store(folder) as opened:
        found = dict(opened.get(VECTORS))
    assert all(each.tobytes() == VECTORS[key].tobytes() for key, each in found.items())
    return len(found)


def fill(folder: Path) -> None:
    with Store(folder) as opened:
        opened.put(VECTORS.items())


def remembered(files: list[Path]) -> int:
    return len(digests._recall([str(path) for path in files]))


SCHEMAS = {
    "no table": "SELECT 1",
    "another table too": "CREATE TABLE another (x)",
    "other columns": "DROP TABLE {table}; CREATE TABLE {table} (key TEXT PRIMARY KEY, features)",
    "columns in another order": "DROP TABLE {table}; CREATE TABLE {table} (digest, key, features, used)",
    "a view in its place": "DROP TABLE {table}; CREATE VIEW {table} AS SELECT 1 AS key",
    "a trigger": "CREATE TRIGGER t AFTER INSERT ON {table} BEGIN DELETE FROM {table}; END",
    "a schema that is no text": "PRAGMA writable_schema=ON; UPDATE sqlite_schema SET sql = CAST(x'fffec3' AS TEXT)",
    "a schema that is no SQL": "PRAGMA writable_schema=ON; UPDATE sqlite_schema SET sql = 'CREATE TABLE ('",
    "a table whose name is no text": "PRAGMA writable_schema=ON; UPDATE sqlite_schema SET name = CAST(x'fffe' AS TEXT)",
}


def spoil(path: Path, script: str, table: str) -> None:
    connection = sqlite3.connect(path)
    connection.executescript(script.format(table=table))
    connection.close()


@pytest.mark.parametrize("script", SCHEMAS.values(), ids=SCHEMAS)
def test_a_store_with_another_schema_is_replaced(tmp_path, script):
    if script != SCHEMAS["no table"]:
        fill(tmp_path)
    spoil(tmp_path / STORE, script, "bottlenecks")
    stored(tmp_path)
    fill(tmp_path)
    assert stored(tmp_path) == len(VECTORS)


@pytest.mark.parametrize("script", SCHEMAS.values(), ids=SCHEMAS)
def test_a_memory_of_digests_with_another_schema_is_replaced(files, script):
    if script != SCHEMAS["no table"]:
        digests_of(files)
    cache_file.cache_folder().mkdir(parents=True, exist_ok=True)
    spoil(cache_file.cache_folder() / DIGESTS, script, "digests")
    assert digests_of(files) == right(files)
    assert remembered(files) == len(files)


@pytest.mark.parametrize(
    "cells",
    [
        "features = CAST(x'fffec3' AS TEXT)",
        "key = CAST(x'fffec3' AS TEXT)",
        "digest = 'text'",
        "features = 7, used = 'never'",
    ],
)
def test_a_row_of_the_store_with_other_cells_is_computed_again(tmp_path, cells):
    fill(tmp_path)
    spoil(tmp_path / STORE, f"UPDATE {{table}} SET {cells} WHERE key = 'key 3'", "bottlenecks")
    assert stored(tmp_path) == len(VECTORS) - 1
    fill(tmp_path)
    assert stored(tmp_path) == len(VECTORS)


@pytest.mark.parametrize(
    "cells",
    [
        "sha256 = '{zeros}'",
        "sha256 = CAST(x'fffec3' AS TEXT)",
        "sha256 = NULL",
        "size = 'text'",
        "checksum = NULL",
        "sha256 = o.sha256, checksum = o.checksum FROM (SELECT * FROM digests LIMIT 1 OFFSET 5) AS o",
    ],
    ids=["another digest", "no text", "no digest", "no size", "no checksum", "another row's"],
)
def test_a_remembered_digest_that_is_not_as_it_was_written_is_not_believed(files, cells):
    digests_of(files)
    spoil(cache_file.cache_folder() / DIGESTS, f"UPDATE {{table}} SET {cells.format(zeros='0' * 64)}", "digests")
    assert digests_of(files) == right(files)
    assert remembered(files) == len(files)


def flip(path: Path, chance: random.Random) -> None:
    """Change a few bytes of a file, at random places, or cut it short."""
    content = bytearray(path.read_bytes())
    for _ in range(chance.choice([1, 1, 1, 8, 100])):
        # Half of them where SQLite says what is where.
        position = chance.randrange(min(200, len(content)) if chance.random() < 0.5 else len(content))
        content[position] ^= 1 << chance.randrange(8)
    path.write_bytes(content[: chance.randrange(len(content))] if chance.random() < 0.1 else content)


def test_flipped_bytes_of_the_store_and_of_its_log_make_no_false_vector_and_no_error(tmp_path):
    lasting = tmp_path / "lasting"
    with Store(lasting) as opened:
        # Half of the rows in the file, half in the log that another process has yet to move there.
        opened.put(list(VECTORS.items())[:30])
        opened._file._connection.execute("PRAGMA wal_checkpoint")
        opened.put(list(VECTORS.items())[30:])
        shutil.copytree(lasting, tmp_path / "written")
    assert (tmp_path / "written" / f"{STORE}-wal").stat().st_size > 10_000
    for trial in range(TRIALS):
        chance, folder = random.Random(trial), tmp_path / "flipped"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(tmp_path / "written", folder)
        flip(folder / (STORE + chance.choice(["", "", "-wal", "-shm"])), chance)
        stored(folder)
        fill(folder)
        # A damaged page may show only now; then the file is new from here on.
        if stored(folder) < len(VECTORS):
            fill(folder)
            assert stored(folder) == len(VECTORS), trial


def test_a_byte_that_makes_sqlite_only_read_a_file_does_not_make_it_useless(tmp_path, files):
    fill(tmp_path)
    digests_of(files[:30])
    for path in (tmp_path / STORE, cache_file.cache_folder() / DIGESTS):
        content = bytearray(path.read_bytes())
        content[18] = 3  # the version of the format, for writing
        path.write_bytes(content)
    with Store(tmp_path) as opened:
        # The first is refused, and makes room for the second.
        opened.put([("a key", np.zeros(8, np.float32))])
        opened.put([("another key", np.zeros(8, np.float32))])
    with Store(tmp_path) as opened:
        assert list(dict(opened.get(["a key", "another key"]))) == ["another key"]
    assert digests_of(files) == digests_of(files) == digests_of(files) == right(files)
    assert remembered(files) == len(files)


def test_flipped_bytes_of_the_memory_of_digests_make_no_false_digest_and_no_error(files, tmp_path):
    expected = digests_of(files)
    assert expected == right(files)
    memory = cache_file.cache_folder() / DIGESTS
    written = memory.read_bytes()
    for trial in range(TRIALS):
        chance = random.Random(trial)
        memory.write_bytes(written)
        flip(memory, chance)
        assert digests_of(files) == expected, trial
        assert digests_of(files) == expected, trial
        if remembered(files) < len(files):
            digests_of(files)
            assert remembered(files) == len(files), trial


def test_a_path_that_is_no_text_is_read_each_time_and_spoils_nothing(files):
    digests_of(files)
    odd = files[0].with_name("\udcff.png")
    odd.write_bytes(b"pixels")
    assert digests_of([odd]) == right([odd])
    assert remembered(files) == len(files)


def test_the_store_and_its_file_stay_within_the_limit_whatever_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "_BYTES_AT_MOST", 1_000_000)
    path, largest = tmp_path / STORE, 0
    with Store(tmp_path) as opened:
        for start in range(0, 20_000, 4_000):
            # At once, as a stage puts them.
            opened.put((f"key {number}", np.full(64, number, np.float32)) for number in range(start, start + 4_000))
            largest = max(largest, path.stat().st_size)
            assert len(dict(opened.get([f"key {start + 3_999}"]))) == 1
    assert 900_000 < path.stat().st_size == largest < 1_400_000
    with Store(tmp_path) as opened:
        found = dict(opened.get(f"key {number}" for number in range(20_000)))
    assert sorted(found) == sorted(f"key {number}" for number in range(20_000 - len(found), 20_000))
    assert 1_000 < len(found) < 3_000


def test_a_row_larger_than_the_limit_is_forgotten_and_the_next_one_stored(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "_BYTES_AT_MOST", 100_000)
    with Store(tmp_path) as opened:
        opened.put([("large", np.zeros(100_000, np.float32))])
        opened.put([("small", np.ones(8, np.float32))])
        assert list(dict(opened.get(["large", "small"]))) == ["small"]


@pytest.fixture
def mounted(tmp_path, monkeypatch):
    """Pretend that folders below tmp_path lie on file systems of these kinds; the rest lies on a disk."""

    def mount(**kinds: str) -> None:
        lines = ["/dev/sda1 / ext4 rw 0 0", *(f"x {tmp_path / name} {kind} rw 0 0" for name, kind in kinds.items())]
        (tmp_path / "mounts").write_text("\n".join(lines))

    monkeypatch.setattr(file_systems, "_MOUNTS", tmp_path / "mounts")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "scratch"))
    monkeypatch.setattr(cache_file, "_OWN_DISK", str(tmp_path / "disk"))
    for name in ("home", "scratch", "disk"):
        (tmp_path / name).mkdir()
    return mount


def test_a_cache_on_a_disk_has_its_databases(mounted, tmp_path):
    mounted()
    assert cache_file.database_folder() == cache_file.cache_folder() == tmp_path / "home/two-huskies"


@pytest.mark.parametrize(
    ("kinds", "place"),
    [
        ({}, "scratch"),
        ({"scratch": "lustre"}, "disk"),
        ({"scratch": "tmpfs"}, "disk"),
        ({"scratch": "beegfs", "disk": "fuse.sshfs"}, None),
    ],
)
def test_databases_never_lie_where_machines_share_the_cache(mounted, tmp_path, files, kinds, place):
    mounted(home="nfs4", **kinds)
    folder = cache_file.database_folder()
    assert folder == (tmp_path / place / f"two-huskies-{os.getuid()}" if place else None)
    fill(folder)
    assert stored(folder) == (len(VECTORS) if place else 0)
    assert digests_of(files) == right(files)
    assert remembered(files) == (len(files) if place else 0)
    assert not list((tmp_path / "home").rglob("*.sqlite*"))


@pytest.mark.parametrize("harm", ["open to others", "a link", "no folder"])
def test_a_folder_among_those_of_others_has_to_be_private(mounted, tmp_path, harm):
    mounted(home="nfs4", scratch="tmpfs")
    own = tmp_path / "disk" / f"two-huskies-{os.getuid()}"
    if harm == "open to others":
        own.mkdir(mode=0o777)
        own.chmod(0o777)
    elif harm == "a link":
        own.symlink_to(tmp_path / "home")
    else:
        own.write_text("mine")
    assert cache_file.database_folder() is None
