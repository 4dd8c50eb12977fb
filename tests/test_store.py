"""The bottleneck store: what it returns is what was put, whatever happens to the file or the process."""

import hashlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from huskies.backbone import store
from huskies.backbone.store import Store
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

FILE = "bottlenecks.sqlite"
SOURCES = str(Path(store.__file__).parents[2])
WRITER = """
import sys
from pathlib import Path
import numpy as np
from huskies.backbone.store import Store

folder, first, rows, lasting = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4] == "for ever"
with Store(folder) as store:
    print("ready", flush=True)
    sys.stdin.readline()
    done = False
    while not done:
        for start in range(first, first + rows, 5):
            store.put((f"key {number}", np.full(64, number, np.float32)) for number in range(start, start + 5))
            if start == first + 20:
                print("under way", flush=True)
        done = not lasting
"""
READER = """
import sys
from pathlib import Path
import numpy as np
from huskies.backbone.store import Store

with Store(Path(sys.argv[1])) as store:
    store.put([("new", np.full(64, 3, np.float32))])
    print(dict(store.get(["new"]))["new"].mean())
"""


def vector(number: float) -> np.ndarray:
    return np.full(64, number, np.float32)


def fill(folder: Path, numbers: range) -> None:
    with Store(folder) as opened:
        opened.put((f"key {number}", vector(number)) for number in numbers)


def read(folder: Path, numbers: range) -> dict[str, np.ndarray]:
    with Store(folder) as opened:
        return dict(opened.get(f"key {number}" for number in numbers))


def writer(folder: Path, first: int, rows: int, lasting: str = "once") -> subprocess.Popen:
    """Return a process that has opened the store and waits for a line before it writes."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder), str(first), str(rows), lasting],
        env={**os.environ, "PYTHONPATH": SOURCES},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "ready\n"
    return process


def go(process: subprocess.Popen) -> None:
    process.stdin.write("go\n")
    process.stdin.flush()


def end(process: subprocess.Popen) -> int:
    process.communicate()
    return process.returncode


@settings(deadline=None, max_examples=30)
@given(
    rows=st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=10),
        arrays.arrays(np.float32, st.integers(0, 9), elements=st.floats(width=32)),
        max_size=8,
    ),
    absent=st.sets(st.integers(), max_size=3),
)
def test_vectors_come_back_bit_by_bit_and_nothing_else_does(tmp_path_factory, rows, absent):
    folder = tmp_path_factory.mktemp("store")
    with Store(folder) as opened:
        opened.put(rows.items())
    with Store(folder) as opened:
        found = dict(opened.get([*rows, *(f"no such key {number}" for number in absent)]))
    assert {key: each.tobytes() for key, each in found.items()} == {key: each.tobytes() for key, each in rows.items()}


def test_more_keys_than_one_query_takes_are_all_found(tmp_path):
    fill(tmp_path, range(1203))
    found = read(tmp_path, range(1300))
    assert sorted(found) == sorted(f"key {number}" for number in range(1203))
    assert all((found[f"key {number}"] == number).all() for number in range(1203))


def test_a_key_tells_images_and_identities_apart():
    assert store.key("aa", "b") != store.key("a", "ab")
    assert store.key("image", "identity") == hashlib.sha256(b"identity:image").hexdigest()


def test_the_last_put_under_a_key_counts(tmp_path):
    fill(tmp_path, range(3))
    with Store(tmp_path) as opened:
        opened.put([("key 1", vector(7))])
    assert {key: each[0] for key, each in read(tmp_path, range(3)).items()} == {"key 0": 0, "key 1": 7, "key 2": 2}


def test_two_processes_write_at_once_and_nothing_is_lost(tmp_path):
    writers = [writer(tmp_path, first, 300) for first in (0, 300)]
    for each in writers:
        go(each)
    assert [end(each) for each in writers] == [0, 0]
    found = read(tmp_path, range(600))
    assert len(found) == 600
    assert all((found[f"key {number}"] == number).all() for number in range(600))


def test_a_writer_killed_in_the_middle_leaves_only_whole_rows(tmp_path):
    for round_ in range(3):
        process = writer(tmp_path, 1000 * round_, 500, "for ever")
        go(process)
        assert process.stdout.readline() == "under way\n"
        process.send_signal(signal.SIGKILL)
        assert end(process) == -signal.SIGKILL
        found = read(tmp_path, range(3000))
        assert len(found) % 5 == 0
        assert all((each == float(key.split()[1])).all() for key, each in found.items())
        fill(tmp_path, range(2995, 3000))
        assert len(read(tmp_path, range(2995, 3000))) == 5


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE bottlenecks SET features = zeroblob(256) WHERE key = 'key 1'",
        "UPDATE bottlenecks SET features = substr(features, 1, 128) WHERE key = 'key 1'",
        "UPDATE bottlenecks SET features = (SELECT features FROM bottlenecks WHERE key = 'key 2') WHERE key = 'key 1'",
        "UPDATE bottlenecks SET features = o.features, digest = o.digest FROM"
        " (SELECT features, digest FROM bottlenecks WHERE key = 'key 2') AS o WHERE key = 'key 1'",
        "UPDATE bottlenecks SET features = NULL WHERE key = 'key 1'",
        "UPDATE bottlenecks SET features = 'text' WHERE key = 'key 1'",
        "UPDATE bottlenecks SET digest = NULL WHERE key = 'key 1'",
    ],
    ids=["other bytes", "cut short", "another row's bytes", "another row", "no bytes", "text", "no digest"],
)
def test_a_corrupted_row_is_not_returned_and_can_be_put_again(tmp_path, damage):
    fill(tmp_path, range(3))
    connection = sqlite3.connect(tmp_path / FILE)
    with connection:
        assert connection.execute(damage).rowcount == 1
    connection.close()
    assert sorted(read(tmp_path, range(3))) == ["key 0", "key 2"]
    fill(tmp_path, range(1, 2))
    assert (read(tmp_path, range(3))["key 1"] == 1).all()


@pytest.mark.parametrize(
    "garbage", [b"no database at all, only text" * 400, b"\0" * 8192, b"SQLite format 3\0" + b"?" * 9000]
)
def test_a_file_of_garbage_is_replaced(tmp_path, garbage):
    (tmp_path / FILE).write_bytes(garbage)
    fill(tmp_path, range(4))
    assert len(read(tmp_path, range(4))) == 4


@pytest.mark.parametrize("first", ["get", "put"])
def test_a_store_overwritten_in_the_middle_goes_on_with_a_new_one(tmp_path, first):
    fill(tmp_path, range(2000))
    path = tmp_path / FILE
    size = path.stat().st_size
    with open(path, "r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (size - 4096))
    with Store(tmp_path) as opened:
        if first == "get":
            assert list(opened.get([f"key {number}" for number in range(2000)])) == []
        opened.put((f"key {number}", vector(number)) for number in range(10))
        opened.put((f"key {number}", vector(number)) for number in range(20))
    found = read(tmp_path, range(20))
    assert sorted(found) == sorted(f"key {number}" for number in range(20))
    assert all((found[f"key {number}"] == number).all() for number in range(20))


def test_where_no_folder_can_be_made_memory_serves_the_run(tmp_path):
    (tmp_path / "taken").write_text("a file where the folder should be")
    with Store(tmp_path / "taken") as opened:
        opened.put([("key", vector(3))])
        assert (dict(opened.get(["key"]))["key"] == 3).all()
    assert (tmp_path / "taken").read_text() == "a file where the folder should be"


def read_only(folder: Path) -> list[str]:
    """Make a folder read-only for the command that is put behind what this returns; root needs a mount for that."""
    if os.geteuid():
        for path in folder.iterdir():
            path.chmod(0o444)
        folder.chmod(0o555)
        return []
    mount = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'
    return ["unshare", "--mount", "sh", "-c", mount, str(folder)]


@pytest.mark.parametrize("before", ["nothing", "a store", "garbage"])
def test_in_a_read_only_folder_memory_serves_the_run(tmp_path, before):
    folder = tmp_path / "cache"
    folder.mkdir()
    if before == "a store":
        fill(folder, range(5))
    if before == "garbage":
        (folder / FILE).write_bytes(b"no database at all, only text" * 400)
    content = [(path.name, path.read_bytes()) for path in sorted(folder.iterdir())]
    done = subprocess.run(
        [*read_only(folder), sys.executable, "-c", READER, str(folder)],
        env={**os.environ, "PYTHONPATH": SOURCES},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "3.0\n"
    assert [(path.name, path.read_bytes()) for path in sorted(folder.iterdir())] == content


def test_the_longest_unused_rows_are_forgotten_beyond_the_bound(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "_BYTES_AT_MOST", 200_000)
    with Store(tmp_path) as opened:
        for start in range(0, 1000, 20):
            opened.put((f"key {number}", vector(number)) for number in range(start, start + 20))
            assert len(dict(opened.get(f"key {number}" for number in range(20)))) == 20
    kept = {int(key.split()[1]) for key in read(tmp_path, range(1000))}
    assert set(range(20)) <= kept
    assert set(range(980, 1000)) <= kept
    others = sorted(kept - set(range(20)))
    assert others[0] > 20
    assert others == list(range(others[0], 1000))
    assert (tmp_path / FILE).stat().st_size < 300_000


def test_deleting_the_store_costs_only_the_rows(tmp_path):
    fill(tmp_path / "cache", range(5))
    shutil.rmtree(tmp_path / "cache")
    assert read(tmp_path / "cache", range(5)) == {}
    fill(tmp_path / "cache", range(5))
    assert len(read(tmp_path / "cache", range(5))) == 5
