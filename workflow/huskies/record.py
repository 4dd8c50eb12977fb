"""record: tells DVC of what Snakemake built, and only of what is true."""

import contextlib
import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from huskies import params, plan, receipt, whole

LOCK = Path("dvc.lock")
# Says what the last record saw, so that a run with nothing to do need not ask DVC, and one killed before it
# could record is recorded by the next.
MARKER = Path(".snakemake/recorded")


def true_stages(plans: dict[str, dict[str, Any]], root: Path = Path("data")) -> list[str]:
    """Return the stages whose folder follows from its plan and is as its receipt says, with all above it."""
    true: list[str] = []
    for name in plan.tracked():
        planned = plans[name]
        content = receipt.read(root / name)
        if (
            content is not None
            and content["plan"] == planned
            and all(above in true for above in planned["inputs"])
            and not receipt.damage(root / name)
        ):
            true.append(name)
    return true


def needed(plans: dict[str, dict[str, Any]]) -> bool:
    """Tell whether anything that record goes by has changed since it last ran. Reads a few small files only."""
    return Path(".dvc").is_dir() and _anything_built() and _read_marker().get("seen") != _seen(plans)


def _anything_built() -> bool:
    return any(Path("data", name).is_dir() for name in plan.tracked())


def _seen(plans: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Return a digest of all that DVC goes by for each stage, and one of dvc.lock."""
    seen, code = {"lock": _digest(LOCK)}, {name: plan.code(stage) for name, stage in plan.tracked().items()}
    # DVC goes by the bytes of code files, so that a comment, which costs no stage, has to be recorded.
    sources = {path: _digest(Path(path)) for path in set().union(*code.values())}
    for name, paths in code.items():
        made = Path("data", name, receipt.name(receipt.plan_hash(plans[name])))
        # A folder that was built again after damage has the same receipt, in another file.
        built = [str(made), made.stat().st_ino, made.stat().st_ctime_ns] if made.exists() else []
        content = [built, {path: sources[path] for path in paths}]
        seen[name] = hashlib.sha256(json.dumps(content).encode()).hexdigest()
    return seen


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "absent"


def run() -> str:
    """Commit the true stages to DVC, and save a complete run as an experiment; return a line on it.

    A failure of DVC's is reported and breaks nothing.
    """
    if not Path(".dvc").is_dir():
        return "not recorded: this folder is no DVC repository"
    parameters = params.load()
    plans = plan.all_plans(parameters)
    names = true_stages(plans)
    marker, seen = _read_marker(), _seen(plans)
    before, pending = seen["lock"], "pending" in marker
    last, recorded = marker.get("seen", {}), marker.get("recorded", [])
    # What the last record told DVC of is in the dvc.lock that it left, and need not be told again.
    told = recorded if last.get("lock") == before else []
    news = [name for name in names if name not in told or last[name] != seen[name]]
    _write_marker({"pending": "committed, perhaps, but not saved as an experiment"})
    if news and (failure := _dvc("commit", "--force", "--quiet", *news)):
        return f"not recorded: dvc commit failed: {failure}"
    line = f"recorded in dvc.lock: {', '.join(names)}"
    if not names:
        line = "not recorded: no stage is complete, with all above it, and as params.yaml says"
    elif _digest(LOCK) == before and not pending:
        line = f"dvc.lock is up to date: {', '.join(names)}"
    # An experiment has every stage, so none is saved while any is stale or unfinished.
    elif names == list(plan.tracked()):
        # By the numbers: another look at the test set, or another page of them, is no other experiment.
        name = f"run-{receipt.plan_hash(plans['metrics'])[:8]}"
        saved = ("--name", name, "--message", f"Experiment {name}", *_to_save(Path(parameters["raw"])))
        if failure := _dvc("exp", "save", "--force", "--quiet", *saved):
            return f"{line}; not saved as an experiment: {failure}"
        line += f"; saved as experiment {name}"
    _write_marker({"seen": _seen(plans), "recorded": names})
    return line


def _to_save(raw: Path) -> list[str]:
    """Return what saving commits: one stage of few files, since all are committed, and raw images that are DVC's.

    Otherwise it commits every stage once more, which takes nearly as long as it took.
    """
    folders = (raw, *raw.parents)
    return ["metrics", *(f"{folder}.dvc" for folder in folders if Path(f"{folder}.dvc").is_file())]


def _read_marker() -> dict[str, Any]:
    """Return what the last record saw, and which stages it told DVC of; nothing where no such file can be read."""
    with contextlib.suppress(OSError, ValueError):
        found = json.loads(MARKER.read_text())
        return found if isinstance(found, dict) else {}
    return {}


def _write_marker(content: dict[str, Any]) -> None:
    MARKER.parent.mkdir(exist_ok=True)
    whole.write(MARKER, json.dumps(content).encode())


def _dvc(*arguments: str) -> str:
    """Run dvc; return the empty string, or the last line of what it says of its failure."""
    done = subprocess.run([sys.executable, "-m", "dvc", *arguments], capture_output=True, text=True)
    if not done.returncode:
        return ""
    said = (done.stderr or done.stdout).strip().splitlines()
    return said[-1] if said else f"exit status {done.returncode}"
