"""Plans: all that a stage's output depends on, computed before any job from dvc.yaml and params.yaml.

dvc.yaml is the only list of what a stage depends on. A plan holds the stage's parameters, the digests of its
code (comments, docstrings and layout removed), the pins of the libraries that shape its bytes, the contents of
its data files, and the hashes of the plans above it. So its own hash changes if anything at all above it does.
"""

import ast
import hashlib
import json
import os
import re
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from huskies import params as parameters
from huskies import receipt, snapshot
from huskies.errors import HuskyError

FOLDER = Path(".snakemake/plans")
PINS = "workflow/pins.yaml"
PACKAGE = "workflow/huskies/"
# What is asked for by name stands apart, so that `dvc repro` and `dvc exp run` can never look at the test set.
TRACKED, ON_REQUEST = "dvc.yaml", "workflow/on_request.yaml"


def stages(workspace: Path = Path()) -> dict[str, dict[str, Any]]:
    """Return the stages of dvc.yaml and workflow/on_request.yaml, by name, in their order."""
    return tracked(workspace) | _read(workspace / ON_REQUEST)["stages"]


def tracked(workspace: Path = Path()) -> dict[str, dict[str, Any]]:
    """Return the stages of dvc.yaml, which are those that DVC knows, by name, in their order."""
    return _read(workspace / TRACKED)["stages"]


def _read(path: Path) -> dict[str, Any]:
    return YAML(typ="safe").load(path.read_text(encoding="utf-8"))


def upstream(stage: dict[str, Any]) -> list[str]:
    """Return the names of the stages whose folders a stage of dvc.yaml reads."""
    return [dependency.removeprefix("data/") for dependency in stage["deps"] if dependency.startswith("data/")]


def code(stage: dict[str, Any]) -> list[str]:
    """Return the code files that a stage of dvc.yaml lists."""
    return [dependency for dependency in stage["deps"] if dependency.startswith(PACKAGE)]


def all_plans(params: dict[str, Any], workspace: Path = Path()) -> dict[str, dict[str, Any]]:
    """Return the plan of every stage for validated parameters. Reads files, writes none."""
    pins = _read(workspace / PINS)
    digest_of: dict[str, str] = {}
    plans: dict[str, dict[str, Any]] = {}
    for name, stage in stages(workspace).items():
        above = upstream(stage)
        sources = code(stage)
        for path in sources:
            digest_of.setdefault(path, code_digest((workspace / path).read_text(encoding="utf-8")))
        raw_paths = [dependency for dependency in stage["deps"] if dependency == "${raw}"]
        data = [
            _fill_in(dependency, params)
            for dependency in stage["deps"]
            if dependency not in sources and not dependency.startswith("data/") and dependency not in raw_paths
        ]
        plans[name] = {
            "stage": name,
            "params": _section(stage, params),
            "code": {path: digest_of[path] for path in sources},
            "libraries": {library: pins[library] for library in _libraries(stage)},
            "files": {path: _file(workspace / path) for path in data},
            "inputs": {each: receipt.plan_hash(plans[each]) for each in above},
            "raw": snapshot.raw_digest(workspace / params["raw"]) if raw_paths else None,
        }
        plans[name]["provenance"] = provenance(name, plans)
    return plans


def provenance(name: str, plans: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Return short digests of the raw images, split, policy, backbone and code that a stage's output comes from.

    All of them follow from the plans above; they stand here so that a number can say by itself what made it.
    What lies below the stage, or beside it, is left out. `split` names the receipt in data/split.
    """
    stages = lineage(name, plans)
    sources = {path: digest for stage in stages for path, digest in plans[stage]["code"].items()}
    found = {"raw": str(plans["convert"]["raw"])[:16], "code": receipt.plan_hash(sources)}
    if "split" in stages[:-1]:
        found["split"] = receipt.plan_hash(plans["split"])
    if "augment" in stages:
        found["policy"] = receipt.plan_hash(plans["augment"]["params"]["aug"])
    for stage in stages:
        if stage.startswith("bottlenecks_"):
            found["backbone"] = receipt.plan_hash({key: plans[stage][key] for key in ("params", "files", "libraries")})
    return found


def lineage(name: str, plans: dict[str, dict[str, Any]]) -> list[str]:
    """Return the stages that a stage is made from, in the order of the flow, and itself at the end."""
    found = {name}
    for stage in reversed(plans):
        if stage in found:
            found.update(plans[stage]["inputs"])
    return [stage for stage in plans if stage in found]


def _file(path: Path) -> str:
    if not path.is_file():
        raise HuskyError(f"there is no file {path}. Put it there, or choose another backbone.weights in params.yaml.")
    return snapshot.file_digest(path)


def _fill_in(dependency: str, params: dict[str, Any]) -> str:
    return re.sub(r"\$\{([\w.]+)\}", lambda match: str(parameters.lookup(params, match.group(1))), dependency)


def _section(stage: dict[str, Any], params: dict[str, Any]) -> dict[str, Any]:
    """Return what the stage lists of params.yaml: `aug`, or a single key of a section as `convert.quality`."""
    chosen: dict[str, Any] = {}
    for key in stage.get("params", []):
        if isinstance(key, str):
            section, _, inner = key.partition(".")
            if inner:
                chosen.setdefault(section, {})[inner] = params[section][inner]
            else:
                chosen[section] = params[section]
    return chosen


def _libraries(stage: dict[str, Any]) -> list[str]:
    return [name for each in stage.get("params", []) if isinstance(each, dict) for name in each[PINS]]


def code_digest(source: str) -> str:
    """Return a digest of Python source that comments, docstrings, layout and the version of Python do not change."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and (
            ast.get_docstring(node, clean=False) is not None
        ):
            node.body = node.body[1:] or [ast.Pass()]
    return hashlib.sha256(_structure(tree).encode()).hexdigest()


def _structure(node: Any) -> str:
    # ast.dump and ast.unparse write the same code differently in different versions of Python, and then a
    # teammate with another version would build everything anew. Empty fields are what newer versions add.
    if isinstance(node, ast.AST):
        fields = [f"{name}={_structure(value)}" for name, value in ast.iter_fields(node) if value not in (None, [])]
        return f"{type(node).__name__}({','.join(fields)})"
    if isinstance(node, list):
        return f"[{','.join(map(_structure, node))}]"
    return ascii(node)


def publish(plans: dict[str, dict[str, Any]]) -> None:
    """Write each plan to .snakemake/plans/<hash>.json, from where its stage reads it.

    Raises HuskyError for an augmentation policy that albumentations refuses. A plan that is there has passed
    before, so albumentations is imported, which takes a second, only after a change.
    """
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, plan in plans.items():
        path = FOLDER / f"{receipt.plan_hash(plan)}.json"
        if path.exists():
            continue
        if name == "augment":
            from huskies import policy

            policy.build(plan["params"]["aug"]["policy"])
        write_whole(path, json.dumps(plan, indent=1, sort_keys=True) + "\n")


def write_whole(path: Path, text: str) -> None:
    """Write a file that is there as a whole or not at all, wherever the process is killed."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    unfinished.write_text(text)
    unfinished.rename(path)


def fetch(digest: str) -> dict[str, Any]:
    """Return the published plan with this hash. Raises HuskyError if there is none, or if it was edited."""
    path = FOLDER / f"{digest}.json"
    try:
        plan = json.loads(path.read_text())
    except (OSError, ValueError):
        plan = None
    if plan is None or receipt.plan_hash(plan) != digest:
        raise HuskyError(f"there is no sound plan {path}. Run the stage through snakemake, which writes it.")
    return plan
