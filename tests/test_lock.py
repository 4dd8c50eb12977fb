"""The lock of a stage's folder: had as NFS gives it, or a message; never a run without it."""

import errno
import fcntl
import os
from pathlib import Path

import pytest
from huskies import runner
from huskies.errors import HuskyError


@pytest.mark.parametrize("kind", [fcntl.LOCK_SH, fcntl.LOCK_EX], ids=["shared", "exclusive"])
def test_what_is_locked_is_open_for_reading_and_writing_and_keeps_its_bytes(tmp_path, monkeypatch, kind):
    lock = tmp_path / "data/.lock-group"
    lock.parent.mkdir()
    lock.write_text("what is there")
    modes = []

    def flock(file, _: int) -> None:
        modes.append(fcntl.fcntl(file, fcntl.F_GETFL) & os.O_ACCMODE)

    monkeypatch.setattr(runner.fcntl, "flock", flock)
    with runner._lock(tmp_path / "data/group", kind):
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
    monkeypatch.setattr(runner.fcntl, "flock", flock)
    with pytest.raises(HuskyError) as error, runner._lock(Path("data/group"), fcntl.LOCK_EX):
        pytest.fail("it ran without a lock")
    assert str(error.value) == (
        f"cannot lock data/.lock-group: {os.strerror(number)}. Without locks two runs could mix their results: turn "
        "them on where the file system is mounted, or work in a copy of the project on another one."
    )
    assert refusals == []
