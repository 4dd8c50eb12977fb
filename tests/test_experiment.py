"""experiment: what is saved is what DVC would save, and the workspace is not touched on the way."""

import os
import subprocess
from pathlib import Path

import pytest
from conftest import do
from dvc.repo.experiments.refs import ExpRefInfo
from huskies.planning import experiment


def git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repository(tmp_path, monkeypatch) -> Path:
    """A repository with params.yaml committed and since edited, an untracked dvc.lock, and ignored numbers."""
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(name, os.devnull)
    monkeypatch.chdir(tmp_path)
    git("init", "--quiet")
    git("config", "user.name", "Tester")
    git("config", "user.email", "tester@example.org")
    Path(".gitignore").write_text("/data\n")
    Path("params.yaml").write_text("aug: 1\n")
    git("add", "--all")
    git("commit", "--quiet", "--message", "First")
    Path("params.yaml").write_text("aug: 2\n")
    Path("dvc.lock").write_text("schema: '2.0'\n")
    Path("data").mkdir()
    Path("data/summary.json").write_text("{}")
    Path("data/other.json").write_text("{}")
    Path("notes.txt").write_text("untracked")
    return tmp_path


FILES = ["dvc.lock", "data/summary.json"]


def state(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Return content and time of every file of the workspace, and what git stages and stashes."""
    paths = [path for path in folder.rglob("*") if path.is_file() and ".git" not in path.parts]
    paths.append(folder / ".git/index")
    return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in paths}


def test_an_experiment_is_a_commit_beside_the_branch_and_the_workspace_stays_as_it_is(repository):
    before, head = state(repository), git("rev-parse", "HEAD")
    assert experiment.save("run-1", FILES) == ""
    assert state(repository) == before
    assert git("rev-parse", "HEAD") == head
    ref = str(ExpRefInfo(head, "run-1"))
    assert git("for-each-ref", "--format=%(refname)", "refs/exps") == ref
    assert git("log", "-1", "--format=%s %P", ref) == f"Experiment run-1 {head}"
    assert git("ls-tree", "-r", "--name-only", ref).split() == [
        ".gitignore",
        "data/summary.json",
        "dvc.lock",
        "params.yaml",
    ]
    assert git("show", f"{ref}:params.yaml") == "aug: 2"


def test_an_experiment_of_the_same_name_is_replaced(repository):
    ref = str(ExpRefInfo(git("rev-parse", "HEAD"), "run-1"))
    experiment.save("run-1", FILES)
    Path("params.yaml").write_text("aug: 3\n")
    assert experiment.save("run-1", FILES) == ""
    assert git("show", f"{ref}:params.yaml") == "aug: 3"
    assert git("rev-parse", f"{ref}^") == git("rev-parse", "HEAD")


def test_other_files_take_the_place_of_the_workspaces(repository):
    Path("elsewhere").mkdir()
    for name, text in (("params.yaml", "aug: 9\n"), ("summary.json", "{9}")):
        Path("elsewhere", name).write_text(text)
    before = state(repository)
    others = {"params.yaml": Path("elsewhere/params.yaml"), "data/summary.json": Path("elsewhere/summary.json")}
    assert experiment.save("run-1", others=others) == ""
    assert state(repository) == before
    ref = str(ExpRefInfo(git("rev-parse", "HEAD"), "run-1"))
    assert git("show", f"{ref}:params.yaml") == "aug: 9"
    assert git("show", f"{ref}:data/summary.json") == "{9}"
    assert git("ls-tree", "-r", "--name-only", ref).split() == [".gitignore", "data/summary.json", "params.yaml"]


def test_the_experiments_of_a_commit_are_known_by_their_names(repository):
    assert experiment.saved() == set()
    experiment.save("run-1", FILES)
    experiment.save("run-2", FILES)
    assert experiment.saved() == {"run-1", "run-2"}
    git("commit", "--quiet", "--allow-empty", "--message", "Second")
    assert experiment.saved() == set()


def test_a_lock_that_a_killed_git_left_on_the_index_is_in_nobodys_way(repository):
    Path(".git/index.lock").touch()
    assert experiment.save("run-1", FILES) == ""


def test_a_project_in_a_folder_below_the_repository_is_saved_too(repository, monkeypatch):
    Path("below").mkdir()
    Path("below/params.yaml").write_text("aug: 1\n")
    git("add", "below")
    git("commit", "--quiet", "--message", "Below")
    Path("below/params.yaml").write_text("aug: 9\n")
    Path("below/dvc.lock").write_text("schema: '2.0'\n")
    monkeypatch.chdir(repository / "below")
    ref = str(ExpRefInfo(git("rev-parse", "HEAD"), "run-1"))
    assert experiment.save("run-1", ["dvc.lock"]) == ""
    assert git("show", f"{ref}:below/params.yaml") == "aug: 9"
    assert experiment.save("run-1", others={"params.yaml": repository / "params.yaml"}) == ""
    assert git("show", f"{ref}:below/params.yaml") == "aug: 2"
    assert git("show", f"{ref}:params.yaml") == "aug: 2"


def test_why_nothing_can_be_saved_is_said(repository, tmp_path_factory, monkeypatch):
    git("config", "--unset", "user.name")
    git("config", "--unset", "user.email")
    git("config", "user.useConfigOnly", "true")
    assert experiment.save("run-1", FILES) == (
        "git does not know who you are. Tell it: git config user.name NAME; git config user.email ADDRESS"
    )
    assert git("for-each-ref", "refs/exps") == ""
    git("config", "user.name", "")
    git("config", "user.email", "tester@example.org")
    assert experiment.save("run-1", FILES).startswith("git does not know who you are. ")
    monkeypatch.chdir(tmp_path_factory.mktemp("empty"))
    git("init", "--quiet")
    assert experiment.save("run-1", []) == "this repository has no commit. Make one: git commit"


@pytest.mark.long
def test_dvc_takes_it_for_its_own_and_would_have_saved_the_same(built):
    built.set(train__steps=12)
    said = do(built, "snakemake", "--cores", "2", "report")
    name = said.partition("saved as experiment ")[2].split()[0]
    do(built, "dvc", "exp", "save", "--force", "--name", "by-dvc", "metrics")
    refs = {ref.rpartition("/")[2]: ref for ref in do(built, "git", "for-each-ref", "--format=%(refname)").split()}
    different = do(built, "git", "diff", "--name-only", refs[name], refs["by-dvc"]).split()
    assert different == [".dvc/tmp/repro.dat"]
    assert name in do(built, "dvc", "exp", "list")
    do(built, "git", "add", "--all")
    do(built, "git", "stash")
    do(built, "dvc", "exp", "apply", name)
    assert do(built, "dvc", "status").strip() == "Data and pipelines are up to date."
    assert "steps: 12" in (built.folder / "params.yaml").read_text()
