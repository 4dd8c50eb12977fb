"""What tests share: a cache folder of their own, and real clones of the project with a handful of images."""

import contextlib
import fcntl
import json
import os
import shutil
import subprocess
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# As every stage has it, and before numpy is imported: two workers with two threads each take turns at spinning.
os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"

import browser
import hypothesis
import pytest
import witness
from huskies import cache_file
from huskies.backbone import identity, openvino_engine, tensorflow_setup
from huskies.job import Job
from huskies.steps import train
from project import (
    CLASSES,
    IMAGES_A_CLASS,
    Clone,
    below,
    clone_project,
    do,
    edit_unseen,
    lend_backbones,
    shipped,
    stages_run,
)

# Tests import these from here.
__all__ = ["CLASSES", "IMAGES_A_CLASS", "PROJECT", "Clone", "clone_project", "do", "edit_unseen", "stages_run"]

# Tests go by what ships, so that they pass in a workspace that is in use.
PROJECT = shipped()

# A busy machine is no failure.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")

BELOW_AUGMENT = list(below("augment"))
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
    "shrinkage": 0.5,
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


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put those files first that may take longest, so that no worker is left with one of them at the end."""
    number = Counter(item.path for item in items)
    limit: dict[Path, float] = defaultdict(float)
    for item in items:
        mark = item.get_closest_marker("timeout")
        limit[item.path] = max(limit[item.path], mark.args[0] if mark else 0)
    items.sort(key=lambda item: (-limit[item.path], -number[item.path]))


# Keras 3.15 says this of itself when it saves a model with numpy 2.
KERAS_WARNS = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")
USES_KERAS = [KERAS_WARNS, pytest.mark.usefixtures("_tensorflow")]


@pytest.fixture(scope="session")
def _tensorflow():
    """As every stage does, and before anything is computed, after which it is too late for threads."""
    tensorflow_setup.load_tensorflow()


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture(scope="session")
def _converted(tmp_path_factory) -> Path:
    """The converted backbones that tests leave for others of their worker."""
    return tmp_path_factory.mktemp("converted")


@pytest.fixture
def lent_backbones(_own_cache, _converted) -> Iterator[None]:
    """Let a test find the backbones that earlier ones have converted, which takes seconds; what it converts stays."""
    own = cache_file.cache_folder() / "backbones"
    shutil.copytree(_converted, own)
    yield
    shutil.copytree(own, _converted, ignore=shutil.ignore_patterns("*.lock"), dirs_exist_ok=True)


@pytest.fixture(scope="module")
def chromium():
    """A browser that runs, for the tests marked `browser`."""
    with browser.chromium() as running:
        yield running


def bare_job(stage: str, output: Path, **given: Any) -> Job:
    """Return a job of a stage by hand: what is not given is empty, and one core does it."""
    empty = {"params": {}, "inputs": {}, "files": {}, "code": {}, "libraries": {}, "provenance": {}}
    return Job(**{**empty, "raw_digest": None, "previous": None, "cores": 1, **given, "stage": stage, "output": output})


def write_identity(folder: Path, **backbone: Any) -> None:
    """Write how bottlenecks were computed, or those that a head was trained on, into a folder made by hand."""
    described = {"backbone": {"engine": "openvino", "precision": "float32", **backbone}}
    (folder / identity.NAME).write_text(json.dumps(described))


@pytest.fixture
def clone(tmp_path) -> Clone:
    """A fresh clone, nothing built."""
    return clone_project(tmp_path / "clone")


@pytest.fixture(scope="session")
def first_build(tmp_path_factory) -> tuple[Clone, subprocess.CompletedProcess]:
    """A clone after `snakemake --cores 2 metrics`, and what that printed. Not to be changed: copy it.

    It is made once for all workers of pytest-xdist, by the first that asks for it. What it asked of the network is
    written down beside it, and there were secrets for it to tell (witness.py).
    """
    top = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        top = top.parent
    clone, ended = Clone(top / "built/clone"), top / "built/ended.json"
    with open(top / "built.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not ended.exists():
            shutil.rmtree(top / "built", ignore_errors=True)
            clone_project(clone.folder)
            command = ("snakemake", "--cores", "2", "report")
            done = clone.run(*command, variables=witness.watched(top / "built/witness"))
            ended.write_text(json.dumps([done.returncode, done.stdout, done.stderr]))
    return clone, subprocess.CompletedProcess((), *json.loads(ended.read_text()))


@pytest.fixture
def converted_before(first_build, tmp_path) -> None:
    """Let the user of `clone` have the converted backbones."""
    lend_backbones(first_build[0], tmp_path)


@pytest.fixture
def built(first_build, converted_before, tmp_path) -> Clone:
    """A copy of a clone in which everything up to the report is built and recorded, but no bottlenecks are stored."""
    return first_build[0].copy(tmp_path / "copy")


@pytest.fixture(scope="session")
def trained(tmp_path_factory) -> dict[str, Job]:
    """Both trainings, run on made-up bottlenecks. Not to be changed."""
    from trainings import make_job

    data = tmp_path_factory.mktemp("trained") / "data"
    jobs = {stage: make_job(data, stage) for stage in ("train_baseline", "train_augmented")}
    for job in jobs.values():
        train.run(job)
    return jobs


@contextlib.contextmanager
def in_own_cache(folder: Path) -> Iterator[None]:
    """Work where the weights are, with a cache in a folder: for fixtures of more than one test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(PROJECT)
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        yield


@pytest.fixture
def in_project(monkeypatch):
    """Work where the weights are."""
    monkeypatch.chdir(PROJECT)


@pytest.fixture(scope="session")
def converted_backbone(tmp_path_factory) -> Path:
    """A folder with BACKBONE, converted for OpenVINO. Not to be changed."""
    from either_engine import trace

    folder = tmp_path_factory.mktemp("converted")
    with in_own_cache(folder):
        openvino_engine.load(BACKBONE, 1, trace)
    return next(folder.rglob("*.npz")).parent


@pytest.fixture
def kept(converted_backbone) -> Path:
    """Return the file of the converted backbone, in this test's own cache."""
    shutil.copytree(converted_backbone, cache_file.cache_folder() / "backbones")
    return next((cache_file.cache_folder() / "backbones").iterdir())


@pytest.fixture(scope="session")
def _converted(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("converted")


@pytest.fixture
def weights_here(_own_cache, _converted, tmp_path, monkeypatch):
    """Work in a folder of its own that has the project's backbones.

    Converted backbones are shared among tests, since each takes seconds; the rest of the cache is the test's own.
    """
    folder = cache_file.cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "backbones").symlink_to(_converted)
    (tmp_path / "backbones").mkdir()
    shutil.copy(PROJECT / "backbones/mini.weights.h5", tmp_path / "backbones")
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def article_made(tmp_path_factory) -> tuple:
    """The stage article on made-up inputs: its line, its page, its table, its inputs."""
    from article_inputs import written

    return written(tmp_path_factory.mktemp("article"))
