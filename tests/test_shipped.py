"""Tests go by what ships: in a workspace that is in use, clones are as a fresh checkout, but for the code in work."""

import shutil
from pathlib import Path

import pytest
from conftest import Clone, clone_project
from project import ship

IN_WORK = "\n# In work.\n"


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder, git's own left out."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files if ".git" not in path.parts}


def git(clone: Clone, *arguments: str) -> None:
    done = clone.run("git", *arguments)
    assert done.returncode == 0, done.stderr


def add(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a", encoding="utf-8") as file:
        file.write(text)


def use(clone: Clone) -> None:
    """Leave what a user's work leaves, without the runs."""
    folder = clone.folder
    clone.set(raw="photos", aug__factor=7, backbone__name="MobileNetV2", backbone__weights="own.weights.h5")
    add(folder / "ledger.csv", "2026-01-01T00:00:00+00:00,0,9,0,0,0.5,0.5,0.5,0.5,0,0\n")
    add(folder / "dvc.lock", "schema: '2.0'\nstages: {}\n")
    add(folder / ".dvc/config", "[cache]\n    type = symlink\n['remote \"store\"']\n    url = ../store\n")
    add(folder / ".dvc/config.local", "[cache]\n    type = symlink\n")
    add(folder / ".gitignore", "/photos\n")
    add(folder / "backbones/own.weights.h5", "own")
    add(folder / "photos.dvc", "outs:\n- path: photos\n")
    add(folder / "notes.txt", "mine")
    shutil.copytree(folder / "data/digits", folder / "photos")
    next((folder / "data/digits/0").iterdir()).unlink()
    add(folder / "data/digits/0/mine.png", "mine")
    add(folder / "data/metrics/metrics.json", "{}")


@pytest.fixture(scope="module")
def fresh(tmp_path_factory) -> Clone:
    """What ships, as a repository, and not to be changed; in it, too, code was committed before parameters were."""
    clone = clone_project(tmp_path_factory.mktemp("fresh") / "clone")
    add(clone.folder / "workflow/huskies/steps/split.py", IN_WORK)
    git(clone, "commit", "--quiet", "--all", "--message", "Code")
    return clone


@pytest.fixture(scope="module")
def right(fresh, tmp_path_factory) -> dict[str, bytes]:
    """What a clone of the fresh checkout has."""
    folder = tmp_path_factory.mktemp("right")
    ship(fresh.folder, folder / "shipped")
    return contents(clone_project(folder / "clone", source=folder / "shipped").folder)


@pytest.mark.parametrize("kind", ["copy", "copy with commits", "worktree", "shallow clone"])
def test_a_clone_of_a_workspace_in_use_is_as_one_of_a_fresh_checkout(fresh, right, tmp_path, kind):
    used = Clone(tmp_path / "used")
    if kind == "worktree":
        git(fresh.copy(tmp_path / "main"), "worktree", "add", "--quiet", str(used.folder))
    elif kind == "shallow clone":
        git(fresh, "clone", "--quiet", "--depth", "1", fresh.folder.as_uri(), str(used.folder))
    else:
        fresh.copy(used.folder)
    use(used)
    git(used, "update-ref", "refs/exps/00/0000/mine", "HEAD")
    if kind == "copy with commits":
        git(used, "add", "--all")
        git(used, "commit", "--quiet", "--message", "Mine")
    ship(used.folder, tmp_path / "shipped")
    clone = clone_project(tmp_path / "clone", source=tmp_path / "shipped")
    assert contents(clone.folder) == right
    assert right["ledger.csv"].count(b"\n") == 1
    assert clone.run("git", "for-each-ref", "refs/exps").stdout == ""


def test_code_is_taken_as_it_is_in_work(fresh, tmp_path):
    used = fresh.copy(tmp_path / "used")
    add(used.folder / "workflow/huskies/steps/metrics.py", IN_WORK)
    add(used.folder / "workflow/huskies/new.py", IN_WORK)
    (used.folder / "docs/sweep.md").unlink()
    ship(fresh.folder, tmp_path / "before")
    ship(used.folder, tmp_path / "after")
    before, after = contents(tmp_path / "before"), contents(tmp_path / "after")
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    assert changed == {"workflow/huskies/steps/metrics.py", "workflow/huskies/new.py", "docs/sweep.md"}
