"""The README says what is so: its picture is the workflow's, its settings are valid, and its commands run."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import picture
import pytest
from conftest import CLASSES, PROJECT, Clone, do
from huskies.augmentation import policy
from huskies.planning import params
from ruamel.yaml import YAML

README = (PROJECT / "README.md").read_text(encoding="utf-8")
# `make` is run by .ci/run, which the test below reads; `source` and `git` have nothing of ours to test.
BY_CI = ("make metrics", "make test")
# These take minutes as they stand; the tests of each run them with fewer images, steps and repeats.
BY_OTHER_TESTS = tuple(
    f"snakemake --cores 8 {control}" for control in ("noise", "leakage", "repeats", "article", "sweep")
)


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", README, re.DOTALL)


def commands() -> list[str]:
    """Return what follows a prompt in the README, in its order."""
    return [line[2:] for block in blocks("console") for line in block.splitlines() if line.startswith("$ ")]


def test_the_picture_is_the_workflow(clone):
    drawn = picture.mermaid(picture.direct(picture.edges(clone.run(*picture.COMMAND).stdout)))
    assert blocks("mermaid") == [drawn], "the README's picture is out of date. Make it anew: make picture"


def test_an_arrow_that_a_longer_way_stands_for_is_left_out():
    arrows = {("a", "b"), ("b", "c"), ("a", "c"), ("c", "d"), ("a", "d"), ("x", "d")}
    assert picture.direct(arrows) == {("a", "b"), ("b", "c"), ("c", "d"), ("x", "d")}
    assert picture.direct(set()) == set()


@pytest.mark.parametrize("snippet", blocks("yaml"))
def test_each_settings_snippet_is_valid(snippet, monkeypatch):
    monkeypatch.chdir(PROJECT)
    merged = params.load(overrides=YAML(typ="safe").load(snippet))
    policy.build(merged["aug"]["policy"])


def test_the_tree_has_what_git_has():
    tree = README.split("## The tree")[1].split("```")[1]
    named = {re.split(r"[/ ]", line)[0] for line in tree.splitlines() if re.match(r"[\w.]", line)} - {"logs"}
    listed = subprocess.run(["git", "ls-files"], cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    left_out = re.compile(r"\.(?!dvc/plots)|[A-Z]+(\.md)?$|requirements")
    there = {path.split("/")[0] for path in listed.splitlines() if not left_out.match(path)}
    assert named == there


def test_make_commands_are_run_by_ci():
    ci = (PROJECT / ".ci/run").read_text()
    for command in (command for command in commands() if command.startswith("make")):
        assert command in BY_CI
        assert re.search(rf"^{command}$", ci, re.MULTILINE)


@pytest.mark.long
def test_every_other_command_runs_in_the_order_of_the_readme(built: Clone):
    script = [command for command in commands() if not command.startswith(("make", "source", *BY_OTHER_TESTS))]
    assert len(script) > 8
    for command in script:
        done = built.run("bash", "-c", command)
        assert done.returncode == 0, f"{shlex.quote(command)}\n{done.stdout}\n{done.stderr}"


@pytest.mark.long
def test_the_python_session_names_the_class_of_a_photo(built: Clone):
    [session] = blocks("python")
    do(built, "snakemake", "--cores", "2", "export")
    # Keras draws a bar first.
    said = do(built, "python", "-c", session).split("\n")
    assert [line for line in said if re.fullmatch(rf"[{CLASSES}]: \d+\.\d%", line.strip())]


@pytest.mark.long
def test_the_script_that_made_the_sample_makes_it_again(tmp_path):
    subprocess.run([sys.executable, PROJECT / "workflow/make_digits.py", tmp_path], check=True)
    made = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*.png")}
    kept = {path.relative_to(PROJECT / "data/digits"): path for path in Path(PROJECT / "data/digits").rglob("*.png")}
    assert made.keys() == kept.keys()
    assert all(made[name] == path.read_bytes() for name, path in kept.items())
