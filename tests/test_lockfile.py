"""lockfile: a dvc.lock that an interrupted DVC has left unreadable is put right from git, or made anew."""

import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from huskies.errors import HuskyError
from huskies.planning import lockfile

SOUND = (
    "schema: '2.0'\nstages:\n  convert:\n    cmd: snakemake\n    outs:\n    - path: data/convert\n      md5: 12ab.dir\n"
)


@pytest.fixture(autouse=True)
def repository(tmp_path, monkeypatch) -> Path:
    """An empty git repository, as DVC uses it."""
    monkeypatch.chdir(tmp_path)
    git("init", "--quiet")
    git("config", "user.name", "Tester")
    git("config", "user.email", "tester@example.org")
    Path(".dvc/tmp").mkdir(parents=True)
    return tmp_path


def git(*arguments: str) -> None:
    subprocess.run(["git", *arguments], check=True, capture_output=True)


def commit(content: str) -> None:
    lockfile.PATH.write_text(content)
    git("add", "dvc.lock")
    git("commit", "--quiet", "--message", "A lock")


def test_what_a_sound_lock_records_is_read_and_left_alone():
    lockfile.PATH.write_text(SOUND)
    assert lockfile.recorded().keys() == {"convert"}
    assert lockfile.put_right() == ""
    assert lockfile.PATH.read_text() == SOUND


def test_without_a_lock_there_is_nothing_to_put_right():
    assert lockfile.recorded() == {}
    assert lockfile.put_right() == ""


HARMS = {
    "empty": b"",
    "one blank": b" ",
    "cut in a key": SOUND[:11].encode(),
    "cut before a command": b"schema: '2.0'\nstages:\n  convert:\n",
    "cut after a key, and sound YAML": f"{SOUND}      size:".encode(),
    "no mapping": b"- a\n- b\n",
    "zeros, as after a power cut": bytes(200),
    "no text": b"\xff\xfe\x00",
    "deeply nested": b"[" * 500,
    "another schema": SOUND.replace("2.0", "1.0").encode(),
}


@pytest.mark.parametrize("harm", HARMS.values(), ids=HARMS)
def test_an_unreadable_lock_comes_back_from_git(harm):
    commit(SOUND)
    lockfile.PATH.write_bytes(harm)
    assert lockfile.recorded() == {}
    assert lockfile.put_right() == (
        "dvc.lock could not be read, as after an interrupted DVC; it was put right from git and the receipts"
    )
    assert lockfile.PATH.read_text() == SOUND


@pytest.mark.parametrize("in_git", [False, True])
def test_an_unreadable_lock_that_git_does_not_have_sound_either_is_made_anew(in_git):
    if in_git:
        commit("")
    lockfile.PATH.write_text("")
    assert lockfile.put_right() == (
        "dvc.lock could not be read, as after an interrupted DVC; it was made anew from the receipts"
    )
    assert not lockfile.PATH.exists()


def test_an_unreadable_lock_in_a_folder_below_the_repository_comes_back_too(tmp_path, monkeypatch):
    Path("below").mkdir()
    Path("below/dvc.lock").write_text(SOUND)
    git("add", "below")
    git("commit", "--quiet", "--message", "A lock")
    monkeypatch.chdir(tmp_path / "below")
    lockfile.PATH.write_text("")
    assert "put right from git" in lockfile.put_right()
    assert lockfile.PATH.read_text() == SOUND


def test_the_marks_of_a_merge_are_for_the_user_to_resolve():
    text = f"<<<<<<< HEAD\n{SOUND}=======\n{SOUND}>>>>>>> theirs\n"
    commit(SOUND)
    lockfile.PATH.write_text(text)
    with pytest.raises(HuskyError) as error:
        lockfile.put_right()
    assert str(error.value) == (
        "dvc.lock has the marks of a merge. Take either side, and run the same command again: "
        "git checkout --ours dvc.lock"
    )
    assert lockfile.PATH.read_text() == text


@pytest.mark.parametrize("content", ["", '{"write": {', "[]"])
def test_a_damaged_note_of_what_dvc_holds_is_deleted_unless_dvc_is_just_writing_it(content):
    held = Path(".dvc/tmp/rwlock")
    held.write_text('{"write": {}, "read": {}}')
    assert not lockfile.blocks_dvc()
    assert lockfile.put_right() == ""
    assert held.exists()
    held.write_text(content)
    assert lockfile.blocks_dvc()
    with open(".dvc/tmp/rwlock.lock", "a+") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        lockfile.put_right()
        assert held.exists()
    assert lockfile.put_right() == ""
    assert not held.exists()


def test_what_no_running_dvc_holds_is_taken_out_of_the_note_and_nothing_else():
    waiting = subprocess.Popen([sys.executable, "-c", "input()", "commit", "--force"], stdin=subprocess.PIPE)
    ended = subprocess.Popen([sys.executable, "-c", ""])
    # Until somebody collects it, it is there for whoever asks for its number.
    os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)
    living = {"pid": waiting.pid, "cmd": "/bin/dvc commit --force"}
    dead = [
        {"pid": ended.pid, "cmd": "/bin/dvc"},
        {"pid": 2**22 + 1, "cmd": "/bin/dvc commit --force"},
        {"pid": waiting.pid, "cmd": "/bin/dvc repro"},
    ]
    held = Path(".dvc/tmp/rwlock")
    held.write_text(
        json.dumps(
            {
                "read": {"/a": [*dead, living], "/b": [living], "/c": dead[:1]},
                "write": {"/d": dead[1], "/e": living},
            }
        )
    )
    assert lockfile.put_right() == ""
    assert json.loads(held.read_text()) == {"read": {"/a": [living], "/b": [living]}, "write": {"/e": living}}
    waiting.communicate(b"\n")
    ended.wait()
    assert lockfile.put_right() == ""
    assert json.loads(held.read_text()) == {"read": {}, "write": {}}
