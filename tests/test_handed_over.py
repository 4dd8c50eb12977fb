"""handed_over: what an interrupted DVC leaves of a .dvc file is put right from git, or made anew."""

import subprocess

import pytest
from conftest import PROJECT
from huskies.planning import handed_over, stage_list

SOUND = b"outs:\n- md5: 2ce6406edc6d780b241a2c5b5b462adf.dir\n  path: final\n"
PUT_RIGHT = "data/final.dvc could not be read, as after an interrupted DVC; it was put right"


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    return handed_over.file("final")


def git(*arguments: str) -> None:
    subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b.org", *arguments], check=True)


@pytest.mark.parametrize("content", [b"", b"outs:\n- md5: ", b"outs: [", b"\xff\xfe", b"outs:\n- path: final\n", b"[]"])
def test_half_a_file_is_deleted_or_taken_from_git(path, content):
    path.write_bytes(content)
    assert handed_over.put_right() == PUT_RIGHT
    assert not path.exists()
    path.write_bytes(SOUND)
    git("init", "--quiet")
    git("add", str(path))
    git("commit", "--quiet", "--message", "one")
    path.write_bytes(content)
    assert handed_over.put_right() == PUT_RIGHT
    assert path.read_bytes() == SOUND


def test_a_sound_file_and_none_are_left_alone(path):
    assert handed_over.put_right() == ""
    path.write_bytes(SOUND)
    assert handed_over.put_right() == ""
    assert path.read_bytes() == SOUND


def test_what_is_handed_over_is_made_on_request_alone():
    assert set(handed_over.STAGES) <= stage_list.stages(PROJECT).keys() - stage_list.tracked(PROJECT).keys()
