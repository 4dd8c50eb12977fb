"""atomic: what a name claims is on the disk before the name is."""

import errno
import os

import pytest
from huskies import atomic


@pytest.fixture
def events(monkeypatch) -> list[str]:
    """Return what is synced and renamed, in order: the names of files and folders, and `old -> new`."""
    seen, fsync, replace = [], os.fsync, os.replace

    def note_fsync(descriptor: int) -> None:
        seen.append(os.path.basename(os.readlink(f"/proc/self/fd/{descriptor}")))
        fsync(descriptor)

    def note_replace(old, new) -> None:
        seen.append("renamed")
        replace(old, new)

    monkeypatch.setattr(os, "fsync", note_fsync)
    monkeypatch.setattr(os, "replace", note_replace)
    return seen


def test_a_file_is_synced_then_renamed_then_its_folder_is_synced(tmp_path, events):
    folder = tmp_path / "folder"
    folder.mkdir()
    atomic.write(folder / "ledger.csv", b"a look")
    assert (folder / "ledger.csv").read_bytes() == b"a look"
    assert events == [f".ledger.csv.{os.getpid()}", "renamed", "folder"]


def test_all_files_and_folders_below_a_folder_are_synced(tmp_path, events):
    folder = tmp_path / "stage"
    (folder / "cat/more").mkdir(parents=True)
    for name in ("manifest.csv", "cat/a.jpg", "cat/more/b.jpg"):
        (folder / name).write_bytes(b"x")
    atomic.sync_all(folder)
    assert sorted(events) == ["a.jpg", "b.jpg", "cat", "manifest.csv", "more", "stage"]


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP])
def test_a_file_system_that_cannot_sync_a_folder_is_no_failure(tmp_path, monkeypatch, number):
    def refuse(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    atomic.sync(tmp_path)


def test_a_disk_that_fails_to_sync_is_a_failure(tmp_path, monkeypatch):
    (tmp_path / "a").write_bytes(b"x")

    def fail(descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="Input/output error"):
        atomic.sync_all(tmp_path)
