"""Receipts: what a stage was made from (its plan), and the sha256 of every file that it made.

A receipt is named by the hash of its plan, as in a Nix store, so a file name says all that the folder depends on.
"""

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from huskies import atomic


def plan_hash(plan: dict[str, Any]) -> str:
    """Return the 16 hexadecimal digits that name a plan: a hash of its sorted JSON."""
    return hashlib.sha256(json.dumps(plan, sort_keys=True).encode()).hexdigest()[:16]


def name(digest: str) -> str:
    """Return the file name of the receipt of the plan with this hash."""
    return f"receipt-{digest}.json"


def is_name(file: str) -> bool:
    """Tell whether a path below a stage's folder is that of a receipt."""
    return file.startswith("receipt-") and file.endswith(".json")


def files(folder: Path) -> dict[str, Path]:
    """Return every file below a folder, receipts excepted, by path below it, in the order of these paths."""
    found = [Path(parent, file) for parent, _, names in os.walk(folder) for file in names]
    named = sorted((path.relative_to(folder).as_posix(), path) for path in found)
    return {below: path for below, path in named if not is_name(below)}


def digests(folder: Path) -> dict[str, str]:
    """Return the sha256 of every file below a folder, receipts excepted, by path below it."""
    found = {}
    for below, path in files(folder).items():
        with open(path, "rb") as content:
            found[below] = hashlib.file_digest(content, "sha256").hexdigest()
    return found


def write(folder: Path, plan: dict[str, Any]) -> None:
    """Write the receipt of a finished folder. It comes last: a folder without one is unfinished."""
    content = json.dumps({"plan": plan, "outputs": digests(folder)}, indent=1, sort_keys=True)
    atomic.write(folder / name(plan_hash(plan)), f"{content}\n".encode())


def read(folder: Path) -> dict[str, Any] | None:
    """Return the plan and outputs of a stage's folder, or None if it has not exactly one sound receipt."""
    found = list(folder.glob("receipt-*.json"))
    if len(found) != 1:
        return None
    try:
        content = json.loads(found[0].read_text())
        sound = found[0].name == name(plan_hash(content["plan"])) and isinstance(content["outputs"], dict)
        return content if sound else None
    except (ValueError, KeyError, TypeError):
        return None


def damage(folder: Path, digests: Callable[[Path], dict[str, str]] = digests) -> list[str]:
    """Return the files below a folder that its receipt does not vouch for: changed, missing, or foreign.

    digests: gives the sha256 of each file, as the function of that name, which reads them all.
    """
    content = read(folder)
    if content is None:
        return ["receipt"]
    expected, found = content["outputs"], digests(folder)
    return sorted(file for file in expected.keys() | found.keys() if expected.get(file) != found.get(file))


def differences(made: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Return what differs between the plan that a stage was made by and its plan of now, as one would say it."""
    found = [] if made.get("raw") == now["raw"] else ["the raw images changed"]
    before, after = flat(made.get("params", {})), flat(now["params"])
    found += [
        f"{key} was {json.dumps(before.get(key))} and is {json.dumps(after.get(key))}"
        for key in sorted(before.keys() | after.keys())
        if before.get(key) != after.get(key)
    ]
    for kind, verb in (("code", "was edited"), ("files", "changed"), ("libraries", "has another version")):
        old, new = made.get(kind, {}), now[kind]
        found += [f"{name} {verb}" for name in sorted(old.keys() | new.keys()) if old.get(name) != new.get(name)]
    old, new = made.get("inputs", {}), now["inputs"]
    found += [f"{name} is another" for name in sorted(old.keys() | new.keys()) if old.get(name) != new.get(name)]
    return found or ([] if made == now else ["another version of Two Huskies made it"])


def flat(value: Any, name: str = "") -> dict[str, Any]:
    """Return the values of nested dictionaries by their dotted keys."""
    if not isinstance(value, dict) or not value:
        return {name: value}
    return {inner: v for key, each in value.items() for inner, v in flat(each, f"{name}.{key}".strip(".")).items()}
