"""What is compared with an undisturbed run: every file that a command is to leave, and nothing besides."""

import re
from pathlib import Path

from reliability.trial import Ended, Place

# Its event files have times in them; the locks stay, and say nothing.
_NOT_COMPARED = re.compile(r"tensorboard/|\.lock-|digits/|[^/]+/\.lock-")


def of(place: Place) -> dict[str, bytes]:
    """Return the content of everything a run leaves: data/, dvc.lock, params.yaml, ledger, remote, git's view."""
    data = place.folder / "data"
    found = {
        f"data/{path.relative_to(data)}": path.read_bytes() if path.is_file() else b"folder"
        for path in sorted(data.rglob("*"))
        if not _NOT_COMPARED.match(str(path.relative_to(data))) and (path.is_file() or path.name.startswith("."))
    }
    for name in ("dvc.lock", "params.yaml", "ledger.csv"):
        path = place.folder / name
        found[name] = path.read_bytes() if path.is_file() else b"absent"
    found["git status"] = place.run("git", "status", "--porcelain").stdout.encode()
    remote = place.folder.parent / "remote"
    # The cache of runs has times in its names.
    files = [path for path in sorted(remote.rglob("*")) if path.is_file() and "runs" not in path.parts]
    return found | {f"remote/{path.relative_to(remote)}": path.read_bytes() for path in files}


def differences(found: dict[str, bytes], right: dict[str, bytes]) -> list[str]:
    """Return in a few words what differs: `stages are not as undisturbed`, `data/.replaced-x is left over`."""
    said = {}  # in order, each once
    for name in sorted(found.keys() | right.keys()):
        folder = "/".join(Path(name).parts[:2])
        if name in found and name not in right and Path(folder).name.startswith("."):
            said[f"{re.sub(r'-.*', '-…', folder)} is left over"] = True
        elif name not in right and folder.startswith("remote/"):
            said["a file is left over in the remote"] = True
        elif name == "dvc.lock" and not found[name]:
            said["dvc.lock is empty"] = True
        elif found.get(name) != right.get(name):
            said[f"{'stages are' if name.startswith('data/') else f'{Path(name).parts[0]} is'} not as undisturbed"] = (
                True
            )
    return list(said)


def experiments(place: Place) -> set[bytes]:
    """Return the dvc.lock of every saved experiment."""
    names = place.run("git", "for-each-ref", "--format=%(refname)", "refs/exps").stdout.split()
    shown = [place.run("git", "show", f"{name}:dvc.lock") for name in names if "/exec/" not in name]
    return {done.stdout.encode() for done in shown}


def wrong(place: Place, right: dict[str, bytes], again: Ended, saved: bool, audits: bool = True) -> list[str]:
    """Return all that is not as it should be after the command was given again, with nothing else done.

    saved: whether the command is to leave an experiment. audits: whether to ask audit, too, which takes longest.
    """
    found = [] if again.status == 0 else ["the same command does not work again"]
    found += differences(of(place), right)
    if saved and right["dvc.lock"] not in experiments(place):
        found.append("no experiment is saved")
    status = place.finish(["dvc", "status"])
    if "up to date" not in status.said or status.status:
        found.append("dvc status is not clean")
    if audits and place.finish(["snakemake", "--cores", "2", "audit"]).status:
        found.append("audit finds something")
    if again.status == 0 and not all("left over" in each for each in found):
        found.append("ended with 0 without what was asked for")
    if place.orphans():
        found.append("a process is left")
    return found
