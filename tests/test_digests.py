"""digests of files: a second run only stats, and no edit goes unnoticed."""

import hashlib
import os
import shutil
import sqlite3
import sys
import time
import zipfile
from pathlib import Path

import pytest
from huskies import cache_file, digests
from huskies.errors import HuskyError
from huskies.images import raw_files

_recorders: list[list[str]] = []


def _record_opens(event: str, arguments: tuple) -> None:
    if event == "open" and isinstance(arguments[0], str | os.PathLike):
        for recorder in _recorders:
            recorder.append(os.fspath(arguments[0]))


# An audit hook sees every file that the interpreter opens, however it does; it can never be taken off again.
sys.addaudithook(_record_opens)


@pytest.fixture
def opened():
    """Return a list that grows with the path of every file that is opened."""
    recorder: list[str] = []
    _recorders.append(recorder)
    yield recorder
    _recorders.remove(recorder)


@pytest.fixture
def settled(monkeypatch):
    """Let files count as settled at once, so that no test waits for two seconds."""
    monkeypatch.setattr(digests, "_UNSETTLED_NS", 0)


@pytest.fixture
def raw(tmp_path) -> Path:
    folder = tmp_path / "raw"
    for name in ("cat/1.png", "cat/2.jpg", "dog/3.webp"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(f"pixels of {name}".encode())
    (folder / "labels.csv").write_text("file,label\ncat/1.png,cat\n")
    return folder


def below(opened: list[str], folder: Path) -> list[str]:
    inside = {path.removeprefix(f"{folder}/") for path in opened if path.startswith(f"{folder}/")}
    opened.clear()
    return sorted(inside)


def write_start(path: Path, content: bytes) -> None:
    """Write over the first bytes of a file, and again until the file system's clock has gone on."""
    before = path.stat().st_ctime_ns
    while path.stat().st_ctime_ns == before:
        with open(path, "r+b") as file:
            file.write(content)


def test_a_digest_is_the_sha256_of_the_bytes(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert digests.file_digest(tmp_path / "a") == hashlib.sha256(b"abc").hexdigest()


def test_the_second_call_reads_nothing(raw, settled, opened):
    first = raw_files.raw_digest(raw)
    assert below(opened, raw) == ["cat/1.png", "cat/2.jpg", "dog/3.webp", "labels.csv"]
    assert raw_files.raw_digest(raw) == first
    assert below(opened, raw) == []


def test_only_what_changed_is_read_again(raw, settled, opened):
    first = raw_files.raw_digest(raw)
    (raw / "cat/2.jpg").write_bytes(b"other pixels")
    (raw / "dog/4.png").write_bytes(b"a new image")
    opened.clear()
    assert raw_files.raw_digest(raw) != first
    assert below(opened, raw) == ["cat/2.jpg", "dog/4.png"]


def test_an_edit_in_place_with_size_and_mtime_restored_is_noticed(raw, settled):
    first = raw_files.raw_digest(raw)
    path = raw / "cat/1.png"
    before = path.stat()
    write_start(path, b"P")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = path.stat()
    assert (after.st_size, after.st_mtime_ns, after.st_ino) == (before.st_size, before.st_mtime_ns, before.st_ino)
    assert raw_files.raw_digest(raw) != first
    write_start(path, b"p")
    assert raw_files.raw_digest(raw) == first


def test_a_file_swapped_for_another_of_its_size_and_time_is_noticed(raw, settled):
    first = raw_files.raw_digest(raw)
    path = raw / "cat/1.png"
    before = path.stat()
    other = raw.parent / "other"
    other.write_bytes(b"PIXELS OF cat/1.png")
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.rename(path)
    assert path.stat().st_size == before.st_size
    assert raw_files.raw_digest(raw) != first


def test_a_file_that_has_just_changed_is_not_remembered(raw, opened):
    first = raw_files.raw_digest(raw)
    opened.clear()
    assert raw_files.raw_digest(raw) == first
    assert below(opened, raw) == ["cat/1.png", "cat/2.jpg", "dog/3.webp", "labels.csv"]


def test_a_time_in_the_future_is_not_trusted(raw, settled, opened):
    future = 4_000_000_000 * 10**9
    os.utime(raw / "cat/1.png", ns=(future, future))
    first = raw_files.raw_digest(raw)
    opened.clear()
    assert raw_files.raw_digest(raw) == first
    assert below(opened, raw) == ["cat/1.png"]


@pytest.mark.parametrize(
    ("change", "matters"),
    [
        (lambda raw: (raw / "cat/1.png").rename(raw / "dog/1.png"), True),
        (lambda raw: (raw / "cat/1.png").rename(raw / "cat/0.png"), True),
        (lambda raw: (raw / "cat/1.png").unlink(), True),
        (lambda raw: (raw / "dog").rename(raw / "wolf"), True),
        (lambda raw: (raw / "labels.csv").write_text("file,label\ncat/1.png,wolf\n"), True),
        (lambda raw: (raw / "more.csv").write_text("file,label\n"), True),
        (lambda raw: (raw / "notes.txt").write_text("counted by convert"), True),
        (lambda raw: (raw / "cat/inner.csv").write_text("a table, too"), True),
        (lambda raw: (raw / ".hidden.png").write_bytes(b"hidden"), False),
        (lambda raw: (raw / "empty").mkdir(), False),
        (lambda raw: os.utime(raw / "cat/1.png", ns=(0, 0)), False),
        (lambda raw: (raw / "cat/1.png").chmod(0o600), False),
    ],
    ids=[
        "another class",
        "another name",
        "one less",
        "a renamed class",
        "another label",
        "another table",
        "a note",
        "a table further down",
        "a hidden file",
        "an empty folder",
        "another time",
        "other rights",
    ],
)
def test_the_digest_of_raw_is_that_of_what_convert_reads(raw, settled, change, matters):
    first = raw_files.raw_digest(raw)
    change(raw)
    assert (raw_files.raw_digest(raw) != first) is matters


def test_paths_and_contents_cannot_be_taken_for_one_another(tmp_path):
    for name, files in {"one": {"a/1.png": b"x", "a/2.png": b"y"}, "two": {"a/1.png": b"y", "a/2.png": b"x"}}.items():
        for file, content in files.items():
            (tmp_path / name / file).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name / file).write_bytes(content)
    assert raw_files.raw_digest(tmp_path / "one") != raw_files.raw_digest(tmp_path / "two")


def test_the_digest_does_not_depend_on_where_raw_lies(raw, tmp_path, settled, monkeypatch):
    first = raw_files.raw_digest(raw)
    monkeypatch.chdir(tmp_path)
    assert raw_files.raw_digest(Path("raw")) == first
    raw.rename(tmp_path / "moved")
    assert raw_files.raw_digest(tmp_path / "moved") == first


def test_a_zip_is_known_by_its_bytes(tmp_path):
    with zipfile.ZipFile(tmp_path / "raw.zip", "w") as archive:
        archive.writestr("cat/1.png", b"pixels")
    expected = hashlib.sha256((tmp_path / "raw.zip").read_bytes()).hexdigest()
    assert raw_files.raw_digest(tmp_path / "raw.zip") == expected


def test_absent_images_have_a_digest_and_fail_later(tmp_path):
    assert raw_files.raw_digest(tmp_path / "nowhere") == "absent"


def test_an_image_that_cannot_be_read_is_no_reason_to_stop(raw):
    first = raw_files.raw_digest(raw)
    (raw / "cat/9.png").mkdir()
    assert raw_files.raw_digest(raw) == first
    status = (raw / "cat").stat()
    assert digests.file_digests([(str(raw / "cat"), status)]) == ["unreadable: Is a directory"]


@pytest.mark.parametrize(("name", "reason"), [("nowhere", "No such file or directory"), ("raw", "Is a directory")])
def test_a_file_that_is_needed_and_cannot_be_read_is_named(raw, name, reason):
    path = raw.parent / name
    with pytest.raises(HuskyError) as refusal:
        digests.file_digest(path)
    assert str(refusal.value) == f"cannot read {path}: {reason}."


def test_a_damaged_memory_is_slower_and_no_less_right(raw, settled, opened):
    first = raw_files.raw_digest(raw)
    memory = cache_file.cache_folder() / "digests.sqlite"
    assert memory.is_file()
    memory.write_bytes(b"no database at all" * 1000)
    opened.clear()
    assert raw_files.raw_digest(raw) == first
    assert "cat/1.png" in below(opened, raw)


def test_without_a_folder_for_the_memory_everything_is_read(raw, settled, opened):
    folder = cache_file.cache_folder()
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("a file where the folder should be")
    first = raw_files.raw_digest(raw)
    opened.clear()
    assert raw_files.raw_digest(raw) == first
    assert below(opened, raw) == ["cat/1.png", "cat/2.jpg", "dog/3.webp", "labels.csv"]


def test_workspaces_share_the_memory_without_mixing_their_files(raw, tmp_path, settled):
    other = tmp_path / "raw-other"
    for path in raw.rglob("*.*"):
        (other / path.relative_to(raw)).parent.mkdir(parents=True, exist_ok=True)
        (other / path.relative_to(raw)).write_bytes(b"something else")
    first, second = raw_files.raw_digest(raw), raw_files.raw_digest(other)
    assert first != second
    assert (raw_files.raw_digest(raw), raw_files.raw_digest(other)) == (first, second)
    connection = sqlite3.connect(cache_file.cache_folder() / "digests.sqlite")
    assert connection.execute("SELECT COUNT(*) FROM digests").fetchone() == (8,)
    connection.close()


def swap(path: Path, content: bytes, times: os.stat_result) -> None:
    """Put another file in the place of one, with its times."""
    other = path.with_name("other")
    other.write_bytes(content)
    os.utime(other, ns=(times.st_atime_ns, times.st_mtime_ns))
    other.rename(path)


def restore_time(path: Path, before: os.stat_result) -> None:
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize("unsettled", [False, True], ids=["settled", "unsettled"])
def test_an_edit_that_dvc_would_not_see_gets_a_new_mtime(raw, monkeypatch, unsettled):
    monkeypatch.setattr(digests, "_UNSETTLED_NS", 10**18 if unsettled else 0)
    path = raw / "cat/1.png"
    first, before = digests.file_digest(path), path.stat()
    write_start(path, b"P")
    restore_time(path, before)
    started = time.time_ns()
    second = digests.file_digest(path)
    after = path.stat()
    assert second == hashlib.sha256(b"Pixels of cat/1.png").hexdigest() != first
    assert (after.st_size, after.st_ino) == (before.st_size, before.st_ino)
    # A file system's clock may lag by a tick.
    assert started - 10**8 < after.st_mtime_ns != before.st_mtime_ns
    assert path.read_bytes() == b"Pixels of cat/1.png"


def test_a_file_is_given_a_new_mtime_once(raw, settled):
    path = raw / "cat/1.png"
    digests.file_digest(path)
    before = path.stat()
    write_start(path, b"P")
    restore_time(path, before)
    second = digests.file_digest(path)
    touched = path.stat().st_mtime_ns
    assert touched != before.st_mtime_ns
    assert [digests.file_digest(path), digests.file_digest(path)] == [second, second]
    assert path.stat().st_mtime_ns == touched
    write_start(path, b"p")
    os.utime(path, ns=(touched, touched))
    assert digests.file_digest(path) != second
    assert path.stat().st_mtime_ns != touched


def larger(path: Path, before: os.stat_result) -> None:
    path.write_bytes(b"pixels of cat/1.png, and more")
    restore_time(path, before)


def at_another_time(path: Path, before: os.stat_result) -> None:
    write_start(path, b"P")
    os.utime(path, ns=(0, before.st_mtime_ns + 5 * 10**9))


def in_another_file(path: Path, before: os.stat_result) -> None:
    swap(path, b"Pixels of cat/1.png", before)


@pytest.mark.parametrize("edit", [larger, at_another_time, in_another_file])
def test_an_edit_that_dvc_sees_keeps_its_mtime(raw, settled, edit):
    path = raw / "cat/1.png"
    first, before = digests.file_digest(path), path.stat()
    edit(path, before)
    edited = path.stat()
    assert digests.file_digest(path) != first
    assert path.stat().st_mtime_ns == edited.st_mtime_ns
    assert path.stat().st_ctime_ns == edited.st_ctime_ns


def test_a_file_whose_content_came_back_is_not_touched(raw, settled):
    path = raw / "cat/1.png"
    first, before = digests.file_digest(path), path.stat()
    write_start(path, b"P")
    write_start(path, b"p")
    restore_time(path, before)
    edited = path.stat()
    assert edited.st_ctime_ns != before.st_ctime_ns
    assert digests.file_digest(path) == first
    assert (path.stat().st_mtime_ns, path.stat().st_ctime_ns) == (before.st_mtime_ns, edited.st_ctime_ns)


def test_a_file_seen_for_the_first_time_is_not_touched(raw, settled):
    before = {path: (path.stat().st_mtime_ns, path.stat().st_ctime_ns) for path in raw.rglob("*.*")}
    raw_files.raw_digest(raw)
    assert {path: (path.stat().st_mtime_ns, path.stat().st_ctime_ns) for path in before} == before


def test_only_the_file_that_was_edited_is_touched(raw, settled):
    raw_files.raw_digest(raw)
    before = {path: path.stat() for path in raw.rglob("*.*")}
    path = raw / "cat/1.png"
    write_start(path, b"P")
    restore_time(path, before[path])
    raw_files.raw_digest(raw)
    assert [each for each in before if each.stat().st_mtime_ns != before[each].st_mtime_ns] == [path]


def test_a_file_that_may_not_be_touched_has_its_new_digest_all_the_same(raw, settled, monkeypatch):
    first = raw_files.raw_digest(raw)
    path, other = raw / "cat/1.png", raw / "cat/2.jpg"
    before = {each: each.stat() for each in (path, other)}
    for each in before:
        write_start(each, b"P")
        restore_time(each, before[each])
    refused = []

    def utime(touched: str, **_: object) -> None:
        refused.append(touched)
        raise PermissionError(1, "Operation not permitted")

    with monkeypatch.context() as patch:
        patch.setattr(digests.os, "utime", utime)
        second = raw_files.raw_digest(raw)
    assert refused == [str(path), str(other)]
    assert {each: each.stat().st_mtime_ns for each in before} == {each: s.st_mtime_ns for each, s in before.items()}
    assert second != first
    shutil.rmtree(cache_file.cache_folder())
    assert raw_files.raw_digest(raw) == second
