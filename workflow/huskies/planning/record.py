"""record: tells DVC of what Snakemake built, and only of what is true."""

import contextlib
import fcntl
import hashlib
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from huskies import atomic, receipt, stage_folder
from huskies.errors import HuskyError, some
from huskies.planning import experiment, handed_over, lockfile, params, plan, stage_list

# Says what the last record saw, so that a run with nothing to do need not ask DVC, and one killed before it
# could record is recorded by the next.
MARKER = Path(".snakemake/recorded")
# Held by a record: one that a killed Snakemake has left running is waited for, and so is any other DVC.
_LOCK = Path(".snakemake/recording")
_PATIENCE = 60  # seconds
# Follows what DVC says of an error that it does not know.
_OFFER = "Having any troubles?"
_BUSY = ("Unable to acquire lock", "it is being blocked by")


def true_stages(plans: dict[str, dict[str, Any]], root: Path = Path("data")) -> list[str]:
    """Return the stages whose folder follows from its plan and is as its receipt says, with all above it."""
    return [name for name, reason in reasons(plans, root).items() if not reason]


def reasons(plans: dict[str, dict[str, Any]], root: Path = Path("data")) -> dict[str, str]:
    """Return why each stage is not to be told to DVC, by stage; the empty string for one that is true."""
    found: dict[str, str] = {}
    for name in stage_list.tracked():
        untrue = [above for above in plans[name]["inputs"] if found[above]]
        found[name] = f"made from {some(untrue)}" if untrue else reason(plans[name], root / name)
    return found


def reason(planned: dict[str, Any], folder: Path) -> str:
    """Return why a stage's folder is not what its plan describes, or the empty string."""
    content = receipt.read(folder)
    if content is None:
        return f"{folder} has no sound receipt" if folder.is_dir() and any(folder.iterdir()) else "not built"
    if content["plan"] != planned:
        return f"stale: {some(receipt.differences(content['plan'], planned))}"
    damaged = receipt.damage(folder)
    return f"{folder} is not as its receipt says: {some(damaged)}. Delete it to build it anew" if damaged else ""


def left_out(found: dict[str, str]) -> str:
    """Return the end of a line: which stages are left out and why, for the `reasons` of all of them.

    Of those that are made from others that are left out, the names are enough.
    """
    first = [f"{name} ({reason})" for name, reason in found.items() if reason and not reason.startswith("made from ")]
    rest = [name for name, reason in found.items() if reason.startswith("made from ")]
    made = f", and what is made from it: {', '.join(rest)}" if rest else ""
    return f"; left out: {', '.join(first)}{made}" if first else ""


def needed(plans: dict[str, dict[str, Any]]) -> bool:
    """Tell whether anything that record goes by has changed since it last ran. Reads a few small files only."""
    if not (Path(".dvc").is_dir() and _anything_built()):
        return False
    return _read_marker().get("seen") != _seen(plans) or lockfile.blocks_dvc()


def _anything_built() -> bool:
    return any(Path("data", name).is_dir() for name in stage_list.tracked())


def _seen(plans: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Return a digest of all that DVC goes by for each stage, and one of dvc.lock."""
    seen = {"lock": _digest(lockfile.PATH)}
    code = {name: stage_list.listed_code(stage) for name, stage in stage_list.tracked().items()}
    code |= {name: [str(handed_over.file(name))] for name in handed_over.STAGES}
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
    with contextlib.ExitStack() as held:
        try:
            mine = alone(held)
        except HuskyError as error:
            return f"not recorded: {error}"
        return _run() if mine else "not recorded: another run is still telling DVC of what it built"


def alone(held: contextlib.ExitStack) -> bool:
    """Keep other records out until `held` ends, and wait for one that runs; tell whether it has ended in time."""
    _LOCK.parent.mkdir(exist_ok=True)
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            held.enter_context(stage_folder.lock_file(_LOCK, fcntl.LOCK_EX, _LOCK, wait=False))
            return True
        except BlockingIOError:
            if time.monotonic() > end:
                return False
        time.sleep(0.2)


def _run() -> str:
    parameters = params.load()
    plans = plan.all_plans(parameters)
    try:
        put_right = "\n".join(filter(None, (lockfile.put_right(), handed_over.put_right())))
    except HuskyError as error:
        return f"not recorded: {error}"
    added = _hand_over(plans)
    line = _record(plans, Path(parameters["raw"])) + added + _untracked(Path(parameters["raw"]))
    return f"{put_right}\n{line}" if put_right else line


def _record(plans: dict[str, dict[str, Any]], raw: Path) -> str:
    found = reasons(plans)
    names = [name for name, reason in found.items() if not reason]
    marker, seen = _read_marker(), _seen(plans)
    before, pending = seen["lock"], "pending" in marker
    last, recorded = marker.get("seen", {}), marker.get("recorded", [])
    # What the last record told DVC of is in the dvc.lock that it left, and need not be told again.
    told = recorded if last.get("lock") == before else []
    news = [name for name in names if name not in told or last[name] != seen[name]]
    everything = list(stage_list.tracked())
    complete = names == everything
    _write_marker({"pending": "committed, perhaps, but not saved as an experiment"})
    # By the name of their file DVC reads that once; else it reads it, and dvc.lock, again for each stage.
    targets = [stage_list.TRACKED] if news == everything else news
    # An experiment has the raw images, too, as they are now.
    committed = [*targets, *(kept_by_dvc(raw) if complete else [])] if news else []
    if committed and (failure := tell_dvc("commit", "--force", *committed)):
        return f"not recorded: dvc commit failed: {failure}"
    line = f"recorded in dvc.lock: {', '.join(names)}"
    if not names:
        line = "not recorded: no stage is complete, with all above it, and as params.yaml says"
    elif _digest(lockfile.PATH) == before and not pending:
        line = f"dvc.lock is up to date: {', '.join(names)}"
    # An experiment has every stage, so none is saved while any is stale or unfinished.
    elif complete:
        # By the numbers: another look at the test set, or another page of them, is no other experiment.
        name = experiment.name_of(receipt.plan_hash(plans["metrics"]))
        if failure := experiment.save(name, [str(lockfile.PATH), *stage_list.shown()]):
            return f"{line}; not saved as an experiment: {failure}"
        line += f"; saved as experiment {name}"
    _write_marker({"seen": _seen(plans), "recorded": names})
    return line + (left_out(found) if names else "")


def _hand_over(plans: dict[str, dict[str, Any]]) -> str:
    """Have DVC keep what is true of what is made on request and handed over; return the end of a line on it.

    Called before the rest is recorded, whose end is the marker that says what was seen.
    """
    found, seen, last = reasons(plans), _seen(plans), _read_marker().get("seen", {})
    said = ""
    for name in handed_over.STAGES:
        path, folder = handed_over.file(name), Path("data", name)
        above = any(found[each] for each in plans[name]["inputs"])
        if above or reason(plans[name], folder) or (path.is_file() and last.get(name) == seen[name]):
            continue
        failure = tell_dvc("add", str(folder))
        said += f"; not kept: dvc add {folder} failed: {failure}" if failure else f"; {folder} is kept by {path}"
    return said


def _untracked(raw: Path) -> str:
    """Return the end of a line if nobody tracks the raw images, so that DVC's copies of the workspace lack them."""
    if raw.is_absolute() or not raw.exists() or kept_by_dvc(raw):
        return ""
    listed = subprocess.run(["git", "ls-files", "--", str(raw)], capture_output=True, text=True)
    if listed.returncode or listed.stdout:
        return ""
    return f"; neither git nor DVC has {raw}, so that dvc exp run --temp and --queue cannot find it: dvc add {raw}"


def kept_by_dvc(raw: Path) -> list[str]:
    """Return the .dvc file of the raw images, if they have one."""
    return [f"{folder}.dvc" for folder in (raw, *raw.parents) if Path(f"{folder}.dvc").is_file()]


def _read_marker() -> dict[str, Any]:
    """Return what the last record saw, and which stages it told DVC of; nothing where no such file can be read."""
    with contextlib.suppress(OSError, ValueError):
        found = json.loads(MARKER.read_text())
        return found if isinstance(found, dict) else {}
    return {}


def _write_marker(content: dict[str, Any]) -> None:
    MARKER.parent.mkdir(exist_ok=True)
    atomic.write(MARKER, json.dumps(content).encode())


def tell_dvc(*arguments: str, folder: Path | None = None) -> str:
    """Run dvc, after any other that holds its locks; return the empty string, or its own line on its failure.

    folder: where, if not here.
    """
    end = time.monotonic() + _PATIENCE
    while True:
        done = subprocess.run([sys.executable, "-m", "dvc", *arguments], cwd=folder, capture_output=True, text=True)
        if not done.returncode:
            return ""
        said = (done.stderr or done.stdout).strip()
        if time.monotonic() > end or not any(each in said for each in _BUSY):
            return _reason_of(said) or f"exit status {done.returncode}"
        time.sleep(1)


def _reason_of(said: str) -> str:
    """Return the line of what DVC says that tells the reason: its last error, or the last before the offer of help."""
    lines = [line.rstrip() for line in said.partition(_OFFER)[0].splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR:")]
    return (errors or lines or [""])[-1]
