"""A stage's folder: its lock is had as NFS gives it, or a message; what a killed run leaves goes, and nothing else."""

import errno
import fcntl
import os
from pathlib import Path

import pytest
from huskies import receipt, stage_folder
from huskies.errors import HuskyError


@pytest.mark.parametrize("kind", [fcntl.LOCK_SH, fcntl.LOCK_EX], ids=["shared", "exclusive"])
def test_what_is_locked_is_open_for_reading_and_writing_and_keeps_its_bytes(tmp_path, monkeypatch, kind):
    lock = tmp_path / "data/.lock-group"
    lock.parent.mkdir()
    lock.write_text("what is there")
    modes = []

    def flock(file, _: int) -> None:
        modes.append(fcntl.fcntl(file, fcntl.F_GETFL) & os.O_ACCMODE)

    monkeypatch.setattr(stage_folder.fcntl, "flock", flock)
    with stage_folder.lock(tmp_path / "data/group", kind):
        pass
    assert modes == [os.O_RDWR]
    assert lock.read_text() == "what is there"


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.EIO, errno.EBADF, errno.EACCES])
@pytest.mark.parametrize("after_waiting", [False, True], ids=["at once", "after waiting"])
def test_a_lock_that_cannot_be_had_is_a_message_and_nothing_runs(tmp_path, monkeypatch, number, after_waiting):
    refusals = [BlockingIOError(errno.EAGAIN, "taken")] if after_waiting else []
    refusals.append(OSError(number, os.strerror(number)))

    def flock(*_: object) -> None:
        raise refusals.pop(0)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(stage_folder.fcntl, "flock", flock)
    with pytest.raises(HuskyError) as error, stage_folder.lock(Path("data/group"), fcntl.LOCK_EX):
        pytest.fail("it ran without a lock")
    assert str(error.value) == (
        f"cannot lock data/.lock-group: {os.strerror(number)}. Without locks two runs could mix their results: turn "
        "them on where the file system is mounted, or work in a copy of the project on another one."
    )
    assert refusals == []


def make(folder: Path, content: str, plan: dict | None = None) -> Path:
    folder.mkdir(parents=True)
    (folder / "made.txt").write_text(content)
    if plan:
        receipt.write(folder, plan)
    return folder


@pytest.fixture
def root(tmp_path) -> Path:
    """Return a data/ with a whole stage, and beside it what killed runs leave of it and of one that never ran."""
    make(tmp_path / "group", "new", {"stage": "group"})
    for name in (".replaced-group", ".group-0123456789abcdef", ".group-recorded", ".split-fedcba9876543210"):
        make(tmp_path / name, "left")
    return tmp_path


def names(root: Path) -> list[str]:
    return sorted(path.name for path in root.iterdir() if not path.name.startswith(".lock-"))


def test_what_killed_runs_have_left_goes_and_results_stay(root):
    for name in (".gitignore", ".check", ".tensorboard-train_baseline", "augment"):
        make(root / name, "not ours to delete")
    stage_folder.clear(root)
    assert names(root) == [".check", ".gitignore", ".tensorboard-train_baseline", "augment", "group"]
    assert receipt.damage(root / "group") == []


def test_the_old_folder_comes_back_where_the_new_one_is_not_whole(tmp_path):
    make(tmp_path / ".replaced-group", "old", {"stage": "group"})
    make(tmp_path / "group", "half")
    stage_folder.clear(tmp_path)
    assert names(tmp_path) == ["group"]
    assert (tmp_path / "group/made.txt").read_text() == "old"


def test_what_a_run_holds_is_left_alone(root):
    before = names(root)
    with open(root / ".lock-group", "a+") as held, open(root / ".lock-split", "a+") as reading:
        fcntl.flock(held, fcntl.LOCK_EX)
        fcntl.flock(reading, fcntl.LOCK_SH)
        stage_folder.clear(root)
        assert names(root) == before
