"""The log of a stage: what it said, also of a failure, and nothing of whose machine it was; else a message."""

import errno
import os
from pathlib import Path

import pytest
from huskies import __main__ as command
from huskies.errors import HuskyError


@pytest.fixture
def workspace(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path / "home/jane"))
    folder = tmp_path / "home/jane/clone"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    return folder


def fail(error: Exception) -> str:
    """Return the log of a stage that ends with an error."""
    with pytest.raises(type(error)) as raised, command._log(Path("logs/deep/group.log")):
        raise error
    assert raised.value.__notes__ == ["The log is logs/deep/group.log"]
    return Path("logs/deep/group.log").read_text()


def test_a_message_stands_in_the_log_and_an_earlier_log_does_not(workspace):
    fail(HuskyError("an earlier one"))
    assert fail(HuskyError("raw is empty. Fill it.")) == "ERROR: raw is empty. Fill it.\n"


def test_a_traceback_says_neither_where_the_workspace_lies_nor_where_the_home_folder_is(workspace, tmp_path):
    log = fail(
        ValueError(f"{workspace}/data {tmp_path}/home/jane/.keras {tmp_path}/home/janet {workspace}-2 {workspace}")
    )
    assert log.startswith("Traceback (most recent call last):\n")
    assert log.endswith(f"ValueError: ./data ~/.keras {tmp_path}/home/janet ~/clone-2 .\n")
    assert str(workspace) not in log


def test_a_home_folder_that_is_a_link_is_not_told_either(tmp_path, monkeypatch):
    (tmp_path / "disk/jane").mkdir(parents=True)
    (tmp_path / "home").symlink_to(tmp_path / "disk/jane")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    Path(tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    log = fail(ValueError(f"{tmp_path}/home/x {tmp_path}/disk/jane/y"))
    assert log.endswith("ValueError: ~/x ~/y\n")


def test_where_the_home_folder_is_the_root_paths_stay(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", "/")
    monkeypatch.chdir(tmp_path)
    assert fail(ValueError("/usr/lib")).endswith("ValueError: /usr/lib\n")


def test_text_that_utf_8_does_not_have_is_written_all_the_same(workspace):
    assert fail(HuskyError("no such class: \udcff")) == "ERROR: no such class: \\udcff\n"


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.ENOSPC])
def test_a_log_that_cannot_be_written_is_a_message(workspace, monkeypatch, number):
    def refused(path: Path, *_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number), str(path))

    monkeypatch.setattr(command, "open", refused, raising=False)
    with pytest.raises(HuskyError) as error, command._log(Path("logs/group.log")):
        pytest.fail("it ran without a log")
    assert str(error.value) == (
        f"cannot write logs/group.log: {os.strerror(number)}. Allow it, or free some space, and run the same command "
        "again."
    )


def test_a_file_in_the_place_of_logs_is_a_message(workspace):
    Path("logs").write_text("")
    with (
        pytest.raises(HuskyError, match=r"^cannot write logs/group.log: File exists\."),
        command._log(Path("logs/group.log")),
    ):
        pytest.fail("it ran without a log")


def test_a_disk_that_is_full_when_a_stage_fails_does_not_hide_why_it_failed(workspace, monkeypatch):
    def full(path: Path, mode: str, **_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def stage() -> None:
        with command._log(Path("logs/group.log")):
            monkeypatch.setattr(command, "open", full, raising=False)
            raise HuskyError("the first reason")

    with pytest.raises(HuskyError) as error:
        stage()
    assert str(error.value) == "the first reason"
