"""What tests share: a cache folder of their own, and real clones of the project with a handful of images."""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import browser
import hypothesis
import pytest
import witness
from huskies.backbone import identity
from huskies.job import Job
from huskies.planning import stage_list
from ruamel.yaml import YAML

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"

# A busy machine is no failure.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")

PROJECT = Path(__file__).parent.parent
IMAGES_A_CLASS = 9
CLASSES = "036"
BELOW_AUGMENT = ["augment", "bottlenecks_augmented", "train_augmented", "leaks", "metrics", "report"]
# The bundled backbone on few pixels, which is quick, by the engine that every machine has.
BACKBONE = {
    "name": "MobileNet",
    "arguments": {"alpha": 0.5},
    "weights": "mini.weights.h5",
    "layer": None,
    "input_size": 32,
    "engine": "openvino",
    "precision": "float32",
}
# The section `train` of params.yaml, for a head that learns little, quickly.
TRAIN = {
    "steps": 60,
    "batch_size": 16,
    "optimizer": "adam",
    "learning_rate": 0.1,
    "dropout": 0.0,
    "l1": 0.0,
    "l2": 0.0,
    "mixup": 0.0,
    "scaling": "standardise",
    "class_balanced": True,
    "keep": "best",
    "seed": 1,
}
# The contract of metrics.json for each head.
CONTRACT = {
    "train_accuracy",
    "val_accuracy",
    "val_accuracy_low",
    "val_accuracy_high",
    "val_cross_entropy",
    "images",
    "val_images",
}


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture(scope="module")
def chromium():
    """A browser that runs, for the tests marked `browser`."""
    with browser.chromium() as running:
        yield running


def stages_run(output: str) -> list[str]:
    """Return the stages that say in `output` that they did something, in the order of the flow."""
    return [stage for stage in stage_list.stages(PROJECT) if re.search(rf"^{stage}: ", output, re.MULTILINE)]


def do(clone: "Clone", *command: str) -> str:
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


def bare_job(stage: str, output: Path, **given: Any) -> Job:
    """Return a job of a stage by hand: what is not given is empty, and one core does it."""
    empty = {"params": {}, "inputs": {}, "files": {}, "code": {}, "libraries": {}, "provenance": {}}
    return Job(**{**empty, "raw_digest": None, "previous": None, "cores": 1, **given, "stage": stage, "output": output})


def write_identity(folder: Path, **backbone: Any) -> None:
    """Write how bottlenecks were computed, or those that a head was trained on, into a folder made by hand."""
    described = {"backbone": {"engine": "openvino", "precision": "float32", **backbone}}
    (folder / identity.NAME).write_text(json.dumps(described))


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


def clone_project(folder: Path, raw: bool = True) -> Clone:
    """Return a clone with the working tree's code, 27 digits of three classes, and two dozen steps of training."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    for file in filter(None, listed):
        if file.startswith("data/digits/") or file == "dvc.lock" or not (PROJECT / file).is_file():
            continue
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(PROJECT / file, folder / file)
    for label in CLASSES if raw else "":
        images = sorted((PROJECT / "data/digits" / label).glob("*.png"))[:IMAGES_A_CLASS]
        (folder / "data/digits" / label).mkdir(parents=True)
        for image in images:
            shutil.copy2(image, folder / "data/digits" / label)
    clone = Clone(folder)
    clone.set(split__validation=0.3, split__test=0.2, train__steps=24, train__batch_size=16, aug__factor=2)
    for command in (
        ["git", "init", "--quiet"],
        ["git", "config", "user.name", "Tester"],
        ["git", "config", "user.email", "tester@example.org"],
        ["git", "add", "--all"],
        ["git", "commit", "--quiet", "--message", "A clone"],
    ):
        done = clone.run(*command)
        assert done.returncode == 0, done.stderr
    return clone


@pytest.fixture
def clone(tmp_path) -> Clone:
    """A fresh clone, nothing built."""
    return clone_project(tmp_path / "clone")


@pytest.fixture(scope="session")
def first_build(tmp_path_factory) -> tuple[Clone, subprocess.CompletedProcess]:
    """A clone after `snakemake --cores 2 metrics`, and what that printed. Not to be changed: copy it.

    What it asked of the network is written down beside it, and there were secrets for it to tell (witness.py).
    """
    folder = tmp_path_factory.mktemp("built")
    clone = clone_project(folder / "clone")
    return clone, clone.run("snakemake", "--cores", "2", "metrics", variables=witness.watched(folder / "witness"))


@pytest.fixture
def built(first_build, tmp_path) -> Clone:
    """A copy of a clone in which everything up to the report is built and recorded."""
    return first_build[0].copy(tmp_path / "copy")
