"""Plans: all that a stage's output depends on, computed before any job from dvc.yaml, params.yaml and the code.

dvc.yaml says which data and parameters a stage reads; its code is whatever its module imports. A plan holds the
stage's parameters, the digests of its code (comments, docstrings and layout removed), the pins of the libraries that
shape its bytes, the contents of its data files, and the hashes of the plans above it. So its own hash changes if
anything at all above it does.
"""

import json
import re
from pathlib import Path
from typing import Any

from huskies import atomic, digests, imports, receipt, shards
from huskies.backbone import architectures, presets
from huskies.errors import HuskyError
from huskies.images import corrections, pairs, raw_files
from huskies.planning.params import FILE, lookup
from huskies.planning.stage_list import PACKAGE, PINS, controls, is_code, module_of, read, stages, upstream

FOLDER = Path(".snakemake/plans")
# Stages that other flows do without, which are compared by the images that each of them holds out; and what reads them.
ONLY_OWN = ("cross_validation", "budget", "encoders", "final", "gate", "export")
# What names the user's own images; other flows have others.
OF_OWN_IMAGES = (str(corrections.PATH), str(pairs.PATH))
# Stages that can be made in shards: those that open images one by one.
SHARDED = ("convert", "augment", "bottlenecks_original", "bottlenecks_augmented", "bottlenecks_test")
# What a library computes with, without our importing it.
BROUGHT_ALONG = {"albumentations": {"scipy"}, "onnx": {"tf2onnx"}}


def code(stage: str, package: imports.Package) -> dict[str, str]:
    """Return a digest of each module that shapes the stage's output, by its path: its own, and all that it imports."""
    found = package.code(module_of(stage, package))
    return {f"{PACKAGE}{imports.path_of(module)}": digest for module, digest in found.items()}


def libraries(stage: str, package: imports.Package, pins: dict[str, str]) -> dict[str, str]:
    """Return the pins of the libraries that shape the stage's output: those that its code imports, and their own."""
    names = {name for name in package.libraries(module_of(stage, package)) if name in pins}
    names |= set().union(*(BROUGHT_ALONG.get(name, ()) for name in names))
    return {name: pins[name] for name in sorted(names)}


def all_plans(
    params: dict[str, Any],
    workspace: Path = Path(),
    given: dict[str, dict[str, Any]] | None = None,
    raw: str | None = None,
) -> dict[str, dict[str, Any]]:
    """Return the plan of every stage for validated parameters. Reads files, writes none.

    raw: the digest of the raw images where another flow has found it.

    given: plans that are taken as they are: of stages that are shared with another flow, and of the control that
    makes the raw images, if one does. A flow that is given any, or an empty dictionary, is not the user's own, and
    does without the stages of ONLY_OWN.
    """
    plans = dict(given or {})
    left_out = () if given is None else ONLY_OWN
    flow, package = stages(workspace), imports.Package(workspace / PACKAGE)
    flow = {name: stage for name, stage in flow.items() if name not in left_out}
    makers = [name for name in plans if name not in flow]
    for name, stage in flow.items():
        if name not in plans:
            reads_raw = "${raw}" in stage["deps"]
            above = [each for each in upstream(stage) if each not in left_out]
            above += makers if reads_raw else []
            inputs = {each: receipt.plan_hash(plans[each]) for each in above}
            plans[name] = _plan(name, stage, params, inputs, package, workspace)
            if reads_raw and not makers:
                # Listed once: whatever else reads raw images reads those of convert.
                plans[name]["raw"] = plans["convert"]["raw"] or raw or raw_files.raw_digest(workspace / params["raw"])
            plans[name]["provenance"] = provenance(name, plans)
    return {name: plans[name] for name in (*makers, *flow)}


def of_shards(plans: dict[str, dict[str, Any]], count: int) -> dict[str, dict[str, Any]]:
    """Return the plan of each shard, by its name, where each stage of SHARDED is made in `count`; none for 1.

    It is that of its stage, and says which shard it is. Put together, shards are the bytes of the stage made whole, so
    that their number is no part of the stage's own plan.
    """
    if count == 1:
        return {}
    return {
        name: {**plans[stage], "shard": list(shard)} for stage in SHARDED for name, shard in shards.of(stage, count)
    }


def control(name: str, params: dict[str, Any], inputs: dict[str, str], workspace: Path = Path()) -> dict[str, Any]:
    """Return the plan of a control. inputs: the hash of each plan whose output it reads, by the name it has there."""
    package = imports.Package(workspace / PACKAGE)
    planned = _plan(name, controls(workspace)[name], params, inputs, package, workspace)
    found = {kind: receipt.plan_hash(planned[kind]) for kind in ("code", "inputs")}
    return {**planned, "provenance": found}


def _plan(
    name: str,
    stage: dict[str, Any],
    params: dict[str, Any],
    inputs: dict[str, str],
    package: imports.Package,
    workspace: Path,
) -> dict[str, Any]:
    data = [
        path
        for dependency in stage.get("deps", [])
        for path in _fill_in(dependency, params)
        if not is_code(dependency) and not dependency.startswith("data/") and dependency != "${raw}"
    ]
    # What a preset says is in the parameters already.
    data = [each for each in data if each != str(presets.PATH)]
    if params["raw"] != read(workspace / FILE)["raw"]:
        data = [each for each in data if each not in OF_OWN_IMAGES]
    return {
        "stage": name,
        "params": _section(stage, params),
        "code": code(name, package),
        "libraries": libraries(name, package, read(workspace / PINS)),
        "files": {path: _file(workspace / path) for path in data},
        "inputs": inputs,
        "raw": None,
    }


def provenance(name: str, plans: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Return short digests of the raw images, split, policy, backbone and code that a stage's output comes from.

    All of them follow from the plans above; they stand here so that a number can say by itself what made it.
    What lies below the stage, or beside it, is left out. `split` names the receipt in data/split.
    """
    stages = lineage(name, plans)
    sources = {path: digest for stage in stages for path, digest in plans[stage]["code"].items()}
    # Raw images that a control has made are known by its receipt.
    raw = plans["convert"]["raw"] or next(iter(plans["convert"]["inputs"].values()))
    found = {"raw": raw[:16], "code": receipt.plan_hash(sources)}
    if "split" in stages[:-1]:
        found["split"] = receipt.plan_hash(plans["split"])
    if "augment" in stages:
        found["policy"] = receipt.plan_hash(plans["augment"]["params"]["aug"])
    for stage in stages:
        if stage.startswith("bottlenecks_"):
            chosen = {"backbone": plans[stage]["params"]["backbone"]}
            kept = {key: plans[stage][key] for key in ("files", "libraries")}
            found["backbone"] = receipt.plan_hash({"params": chosen, **kept})
    return found


def lineage(name: str, plans: dict[str, dict[str, Any]]) -> list[str]:
    """Return the stages that a stage is made from, in the order of the flow, and itself at the end."""
    found = {name}
    for stage in reversed(plans):
        if stage in found:
            found.update(plans[stage]["inputs"])
    return [stage for stage in plans if stage in found]


def _file(path: Path) -> str:
    chosen = path.parent.name == "backbones"
    if not (path.is_file() or (chosen and architectures.is_folder(path))):
        fix = (
            "Put it there, or choose another backbone.weights in params.yaml."
            if chosen
            else f"Get it back: git checkout {path}"
        )
        raise HuskyError(f"there is no file {path}. {fix}")
    return digests.path_digest(path)


def _fill_in(dependency: str, params: dict[str, Any]) -> list[str]:
    """Return a dependency with the value of the parameter that it names; of a list, one for each of its items."""
    named = re.search(r"\$\{([\w.]+)\}", dependency)
    if not named:
        return [dependency]
    section, _, key = named[1].rpartition(".")
    within = lookup(params, section) if section else params
    values = [each[key] for each in within] if isinstance(within, list) else [within[key]]
    return [dependency.replace(named[0], str(value)) for value in values]


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


def publish(plans: dict[str, dict[str, Any]]) -> None:
    """Write each plan to .snakemake/plans/<hash>.json, from where its stage reads it.

    Raises HuskyError for an augmentation policy that albumentations refuses, and where nothing can be written.
    A plan that is there has passed before, so albumentations, which takes a second, is imported only after a change.
    """
    try:
        FOLDER.mkdir(parents=True, exist_ok=True)
        for plan in plans.values():
            path = FOLDER / f"{receipt.plan_hash(plan)}.json"
            content = (json.dumps(plan, indent=1, sort_keys=True) + "\n").encode()
            if not path.is_file() or path.read_bytes() != content:
                _check_policy(plan)
                atomic.write(path, content)
    except OSError as error:
        raise HuskyError(
            f"cannot write {error.filename or FOLDER}: {error.strerror}. Free or allow the space, and run again."
        ) from None


def _check_policy(plan: dict[str, Any]) -> None:
    if "aug" in plan["params"]:
        from huskies.augmentation import policy

        policy.build(plan["params"]["aug"]["policy"])


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
