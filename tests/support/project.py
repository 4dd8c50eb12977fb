"""The project under test as it ships, and real clones of it with a handful of images, for tests and for tools."""

import atexit
import functools
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huskies.planning import stage_list
from ruamel.yaml import YAML

WORKING_TREE = Path(__file__).parent.parent.parent
# What its developers change, and no user: code, what is pinned, and what is written about them.
CODE = (
    *("Snakefile", "dvc.yaml", "workflow", "profiles", "pyproject.toml", "requirements", "Makefile", ".ci"),
    *("README.md", "CHANGELOG.md", "docs", "benchmarks", "tests", "tools"),
)
IMAGES_A_CLASS = 9
CLASSES = "036"


@dataclass(frozen=True)
class Clone:
    """A copy of the project in a folder of its own, with git and DVC, and commands run as a user would."""

    folder: Path

    def run(self, *command: str, variables: dict[str, str] | None = None, **more: Any) -> subprocess.CompletedProcess:
        """Run a command in the clone, with further environment variables; return it finished, its output as text."""
        environment = {**self.environment(), **(variables or {})}
        return subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, **more)

    def environment(self) -> dict[str, str]:
        """Return what a user's shell has with the environment active, and a cache of the clone's own."""
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "DVC_", "GIT_"))}
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        return {
            **inherited,
            "PATH": path,
            "XDG_CACHE_HOME": str(self.folder.parent / "cache"),
            "DVC_SITE_CACHE_DIR": str(self.folder.parent / "site"),
        }

    def set(self, **values: Any) -> None:
        """Change params.yaml; `aug__factor=3` is aug.factor."""
        path = self.folder / "params.yaml"
        yaml = YAML()
        params = yaml.load(path.read_text(encoding="utf-8"))
        for dotted, value in values.items():
            *sections, key = dotted.split("__")
            inner = params
            for section in sections:
                inner = inner[section]
            inner[key] = value
        with open(path, "w", encoding="utf-8") as file:
            yaml.dump(params, file)

    def bytes_of(self, *stages: str) -> dict[str, bytes]:
        """Return every file of the stages' folders, by path below data/."""
        data = self.folder / "data"
        return {
            str(path.relative_to(data)): path.read_bytes()
            for stage in stages
            for path in sorted((data / stage).rglob("*"))
            if path.is_file()
        }

    def copy(self, folder: Path) -> "Clone":
        """Return a copy of the clone, times and all."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return Clone(folder)


def ship(source: Path, folder: Path) -> None:
    """Copy into `folder` what a user is given of the project at `source`, whatever its own user has made of it.

    Code comes as it is in the working tree, so that it can be tried before it is committed. All else (params.yaml, the
    ledger, what is below data/, DVC's settings) comes from the last commit that changed code: what is changed, added or
    committed after it is the user's. So whoever changes the parameters that ship, commits them before the tests.
    """

    def git(*arguments: str) -> bytes:
        return subprocess.run(["git", *arguments], cwd=source, stdout=subprocess.PIPE, check=True).stdout

    commit = git("log", "-1", "--format=%H", "--", *CODE).decode().strip() or "HEAD"
    with zipfile.ZipFile(io.BytesIO(git("archive", "--format=zip", commit))) as archive:
        archive.extractall(folder, [each for each in archive.namelist() if each.split("/")[0] not in CODE])
    for file in git("ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", *CODE).decode().split("\0"):
        if file and (source / file).is_file():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / file, folder / file)


@functools.cache
def shipped() -> Path:
    """Return a folder with what ships of this project, not to be changed; made once and kept until Python ends."""
    folder = Path(tempfile.mkdtemp(prefix="huskies-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    ship(WORKING_TREE, folder)
    return folder


def clone_project(folder: Path, raw: bool = True, source: Path | None = None) -> Clone:
    """Return a clone of what ships, with 27 digits of three classes, and little for a backbone and a head to do.

    Flows are about what runs when, and of which bytes. What `auto` stands for is chosen where the whole sample is made.
    source: where what ships lies; else that of this project.
    """
    shutil.copytree(_committed(source or shipped(), raw), folder)
    return Clone(folder)


@functools.cache
def _committed(source: Path, raw: bool) -> Path:
    """Return what `clone_project` copies, made once and kept until Python ends: git takes most of the time."""
    place = Path(tempfile.mkdtemp(prefix="huskies-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    folder, digits = place / "clone", source / "data/digits"
    shutil.copytree(source, folder, ignore=lambda path, _: [digits.name] if Path(path) == digits.parent else [])
    for label in CLASSES if raw else "":
        images = sorted((digits / label).glob("*.png"))[:IMAGES_A_CLASS]
        (folder / "data/digits" / label).mkdir(parents=True)
        for image in images:
            shutil.copy2(image, folder / "data/digits" / label)
    clone = Clone(folder)
    clone.set(split__validation=0.3, split__test=0.2, train__steps=24, train__batch_size=16, aug__factor=2)
    clone.set(backbone__layer=None, train__shrinkage=0.3, train__l2=0.01)
    clone.set(cross_validation__folds=2, cross_validation__repeats=1)
    for command in (
        ["git", "init", "--quiet"],
        ["git", "config", "user.name", "Tester"],
        ["git", "config", "user.email", "tester@example.org"],
        ["git", "add", "--all"],
        ["git", "commit", "--quiet", "--message", "A clone"],
        ["git", "repack", "--quiet", "-a", "-d"],
    ):
        done = clone.run(*command)
        assert done.returncode == 0, done.stderr
    return folder


def lend_backbones(built: Clone, place: Path) -> None:
    """Let clones in a folder find converted backbones in their cache: to convert them takes longer than most stages."""
    shutil.copytree(built.folder.parent / "cache", place / "cache", ignore=shutil.ignore_patterns("*.sqlite*"))


def below(*changed: str) -> tuple[str, ...]:
    """Return stages and, by dvc.yaml, all of DVC's that lie below them, in the order of the flow."""
    reached = set(changed)
    for name, stage in stage_list.tracked(WORKING_TREE).items():
        if reached & set(stage_list.upstream(stage)):
            reached.add(name)
    return tuple(name for name in stage_list.tracked(WORKING_TREE) if name in reached)


def stages_run(output: str) -> list[str]:
    """Return the stages that say in `output` that they did something, in the order of the flow."""
    return [stage for stage in stage_list.stages(WORKING_TREE) if re.search(rf"^{stage}: ", output, re.MULTILINE)]


def do(clone: Clone, *command: str) -> str:
    """Run a command that must succeed; return all that it said."""
    done = clone.run(*command)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


def edit_unseen(path: Path, other: Path) -> None:
    """Change the pixels of an image in place to those of another, and set its size and mtime back."""
    before, content = path.stat(), other.read_bytes()
    assert len(content) <= before.st_size
    with open(path, "r+b") as file:
        file.write(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = path.stat()
    assert (after.st_size, after.st_mtime_ns, after.st_ino) == (before.st_size, before.st_mtime_ns, before.st_ino)
