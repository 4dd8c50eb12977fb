"""The stages: what dvc.yaml and workflow/stages.yaml say of each, and which module it is."""

import functools
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from huskies import imports

PINS = "workflow/pins.yaml"
PACKAGE = "workflow/huskies/"
# What is made only on request stands apart, so that `dvc repro` and `dvc exp run` can never look at the test set.
TRACKED, UNTRACKED = "dvc.yaml", "workflow/stages.yaml"
# Where the modules of stages are looked for.
ROOMS = ("steps", "controls", "experiments", "article")


def stages(workspace: Path = Path()) -> dict[str, dict[str, Any]]:
    """Return the stages of dvc.yaml, and those that are made only on request, by name, in their order."""
    return tracked(workspace) | read(workspace / UNTRACKED)["on_request"]


def tracked(workspace: Path = Path()) -> dict[str, dict[str, Any]]:
    """Return the stages of dvc.yaml, which are those that DVC knows, by name, in their order."""
    return read(workspace / TRACKED)["stages"]


def controls(workspace: Path = Path()) -> dict[str, dict[str, Any]]:
    """Return the stages that make raw images for other flows, or compare flows, by name, in their order."""
    return read(workspace / UNTRACKED)["controls"]


def shown(workspace: Path = Path()) -> list[str]:
    """Return the files below data/ that `dvc metrics`, `dvc plots` and `dvc exp show` read, sorted."""
    described = read(workspace / TRACKED)
    plots = [item for each in described["plots"] for item in each.items()]
    found = {*described["metrics"], *(name for name, _ in plots)}
    for _, plot in plots:
        found.update(*(axis for axis in (plot.get("x", {}), plot.get("y", {})) if isinstance(axis, dict)))
    return sorted(file for file in found if file.startswith("data/"))


def read(path: Path) -> dict[str, Any]:
    """Return what a small YAML file of the project says."""
    return _parsed(path.read_text(encoding="utf-8"))


# Twenty flows are planned from the same few files; parsing takes longer than reading.
@functools.cache
def _parsed(text: str) -> dict[str, Any]:
    return YAML(typ="safe").load(text)


def upstream(stage: dict[str, Any]) -> list[str]:
    """Return the names of the stages whose folders a stage of dvc.yaml reads."""
    return [each.removeprefix("data/") for each in stage.get("deps", []) if each.startswith("data/")]


def module_of(stage: str, package: imports.Package | None = None) -> str:
    """Return the module of a stage, as steps.split; the bottleneck stages share one, and so do the trainings."""
    package = package or imports.Package()
    name = {"bottlenecks": "bottlenecks", "train": "train"}.get(stage.split("_")[0], stage)
    return next((f"{room}.{name}" for room in ROOMS if package.has(f"{room}.{name}")), f"steps.{name}")


def listed_code(stage: dict[str, Any]) -> list[str]:
    """Return the modules by which DVC sees an edit at this stage: those that count at no stage above."""
    return [dependency for dependency in stage["deps"] if is_code(dependency)]


def is_code(dependency: str) -> bool:
    """Tell whether a dependency is a module of the package."""
    # Other files of the package count by their bytes.
    return dependency.startswith(PACKAGE) and dependency.endswith(".py")
