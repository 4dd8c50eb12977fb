"""Clones of the project to measure in, with parameters and caches of their own."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

PROJECT = Path(__file__).parent.parent.resolve()


def clone(folder: Path, commit: str = "HEAD") -> Path:
    """Return a clone of the project at a commit, in `folder`; nothing is built there."""
    target = folder / "clone"
    git = ["git", "-C", target]
    subprocess.run(["git", "clone", "--quiet", "--no-checkout", PROJECT, target], check=True)
    subprocess.run([*git, "checkout", "--quiet", commit], check=True)
    for pair in (("user.name", "Benchmark"), ("user.email", "benchmark@example.org")):
        subprocess.run([*git, "config", *pair], check=True)
    return target


def environment(folder: Path) -> dict[str, str]:
    """Return this environment with the code of the clone in `folder`, and with caches that lie beside it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "DVC_", "GIT_"))}
    return {
        **kept,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONPATH": str(folder / "workflow"),
        "XDG_CACHE_HOME": str(folder.parent / "cache"),
        "DVC_SITE_CACHE_DIR": str(folder.parent / "site"),
    }


def run(folder: Path, *command: str) -> str:
    """Run a command in a clone; return what it prints. Raises CalledProcessError if it fails."""
    done = subprocess.run(command, cwd=folder, env=environment(folder), check=True, capture_output=True, text=True)
    return done.stdout


def set_parameters(folder: Path, **values: Any) -> None:
    """Change params.yaml: a section is updated, any other value replaced."""
    path, yaml = folder / "params.yaml", YAML()
    parameters = yaml.load(path.read_text(encoding="utf-8"))
    for name, value in values.items():
        if isinstance(value, dict):
            parameters[name].update(value)
        else:
            parameters[name] = value
    with open(path, "w", encoding="utf-8") as file:
        yaml.dump(parameters, file)
