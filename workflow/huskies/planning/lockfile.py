"""dvc.lock and DVC's own notes, put right where an interrupted DVC has left them unreadable.

DVC writes them in place, so that a kill leaves an empty file or half of one, with which every command of DVC's fails.
Receipts are the truth: what git has of dvc.lock is taken, and whatever is true is then committed to it anew.
"""

import contextlib
import fcntl
import json
import subprocess
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from huskies import atomic
from huskies.errors import HuskyError

PATH = Path("dvc.lock")
# What DVC's running commands hold, and the lock that guards it.
_HELD, _GUARD = Path(".dvc/tmp/rwlock"), Path(".dvc/tmp/rwlock.lock")


def stages(text: str) -> dict[str, Any] | None:
    """Return what the text of a dvc.lock records, by stage; None where DVC could not read it.

    Half a file may be sound YAML, so that it is DVC's own schema that tells.
    """
    from dvc.schema import COMPILED_LOCKFILE_SCHEMA
    from voluptuous import Invalid

    with contextlib.suppress(YAMLError, ValueError, RecursionError, Invalid):
        found = COMPILED_LOCKFILE_SCHEMA(YAML(typ="safe").load(text))
        return found.get("stages", {}) if found["schema"] == "2.0" else None
    return None


def recorded() -> dict[str, Any]:
    """Return what dvc.lock records, by stage; nothing where there is none, or none that can be read."""
    return (stages(_text(PATH)) or {}) if PATH.is_file() else {}


def blocks_dvc() -> bool:
    """Tell whether DVC cannot read its own note of what its commands hold."""
    return _HELD.is_file() and _read(_HELD) is None


def put_right() -> str:
    """Replace what DVC cannot read; return a line on it, or the empty string where nothing was wrong.

    Raises HuskyError for a dvc.lock with git's marks of a merge, which is for the user to resolve.
    """
    if _HELD.is_file():
        _forget_held()
    if not PATH.is_file():
        return ""
    text = _text(PATH)
    if stages(text) is not None:
        return ""
    if "\n<<<<<<< " in f"\n{text}":
        raise HuskyError(
            f"{PATH} has the marks of a merge. Take either side, and run the same command again: "
            f"git checkout --ours {PATH}"
        )
    last = subprocess.run(["git", "show", f"HEAD:./{PATH}"], capture_output=True, text=True)
    if last.returncode == 0 and stages(last.stdout) is not None:
        atomic.write(PATH, last.stdout.encode())
        return f"{PATH} could not be read, as after an interrupted DVC; it was put right from git and the receipts"
    PATH.unlink()
    return f"{PATH} could not be read, as after an interrupted DVC; it was made anew from the receipts"


def _text(path: Path) -> str:
    return path.read_bytes().decode(errors="replace")


def _read(path: Path) -> dict[str, Any] | None:
    with contextlib.suppress(OSError, ValueError):
        found = json.loads(path.read_text())
        return found if isinstance(found, dict) else None
    return None


def _forget_held() -> None:
    """Take out of the note what no running DVC holds; delete one that cannot be read. Not while DVC is writing it.

    DVC itself takes a killed process for a running one where its number is another's by now, or where nobody has
    collected it, as in a container without an init.
    """
    with open(_GUARD, "a+") as guard, contextlib.suppress(BlockingIOError):
        fcntl.flock(guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
        held = _read(_HELD)
        try:
            kept = {mode: _of_the_living(paths) for mode, paths in (held or {}).items()}
        except (TypeError, AttributeError, KeyError, ValueError):
            held = None
        if held is None:
            _HELD.unlink(missing_ok=True)
        elif kept != held:
            atomic.write(_HELD, json.dumps(kept).encode())


def _of_the_living(paths: dict[str, Any]) -> dict[str, Any]:
    """Return what running processes hold of one mode: for reading a list of them by path, for writing one."""
    found = {}
    for path, holders in paths.items():
        living = [each for each in (holders if isinstance(holders, list) else [holders]) if _is_running(each)]
        if living:
            found[path] = living if isinstance(holders, list) else living[0]
    return found


def _is_running(holder: dict[str, Any]) -> bool:
    import psutil

    try:
        process = psutil.Process(int(holder["pid"]))
        # The program may be spelled in another way; what it was told is not.
        told = str(holder["cmd"]).partition(" ")[2]
        return process.status() != psutil.STATUS_ZOMBIE and told in " ".join(process.cmdline())
    except psutil.AccessDenied:
        return True
    except psutil.Error:
        return False
