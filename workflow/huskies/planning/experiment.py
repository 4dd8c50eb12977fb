"""An experiment as DVC keeps it: a commit of the workspace beside the branch, under refs/exps.

`dvc exp save` takes whatever is not committed out of the workspace for a moment, params.yaml too, and whoever is killed
in that moment has lost it. Here git makes the same commit from an index of its own, and the workspace stays as it is.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

# As dvc.repo.experiments.refs has it, by a test.
_REF = "refs/exps/{}/{}/{}"
_NO_IDENTITY = "git does not know who you are. Tell it: git config user.name NAME; git config user.email ADDRESS"
# Of a git that knows neither name nor address, an empty name, or an address it cannot make up.
_UNKNOWN = ("tell me who you are", "identity unknown", "empty ident name", "auto-detect email")


class _GitError(Exception):
    """What git says."""


def name_of(metrics: str) -> str:
    """Return the name of the experiment of a run; metrics: the hash of the plan that its numbers were made by."""
    return f"run-{metrics[:8]}"


def saved() -> set[str]:
    """Return the names of the experiments of HEAD's; none where there is no commit."""
    try:
        baseline = _git("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
        names = _git("for-each-ref", "--format=%(refname)", _REF.format(baseline[:2], baseline[2:], "*"))
    except _GitError:
        return set()
    return {each.rpartition("/")[2] for each in names.splitlines()}


def save(name: str, files: Iterable[str] = (), others: Mapping[str, Path] | None = None) -> str:
    """Save the tracked files of the workspace and `files`, ignored or not, as an experiment of HEAD's.

    others: files that take the place of those of the workspace, by their path in it. An experiment of the same name is
    replaced. Return the empty string, or why it cannot be saved.
    """
    with tempfile.TemporaryDirectory() as folder:
        index = Path(folder, "index")
        environment = {**os.environ, "GIT_INDEX_FILE": str(index)}
        try:
            baseline = _git("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
        except _GitError:
            return "this repository has no commit. Make one: git commit"
        try:
            # A copy knows the times of the files, so that only what has changed is read; by its own time git tells
            # which of them may have changed unseen.
            if (own := Path(_git("rev-parse", "--git-path", "index"))).is_file():
                shutil.copy2(own, index)
            _git("add", "--update", ":/", environment=environment)
            if files := list(files):
                _git("add", "--force", "--", *files, environment=environment)
            below = _git("rev-parse", "--show-prefix")
            for path, file in (others or {}).items():
                blob = _git("hash-object", "-w", f"--path={path}", "--", str(file))
                _git("update-index", "--add", "--cacheinfo", f"100644,{blob},{below}{path}", environment=environment)
            tree = _git("write-tree", environment=environment)
            commit = _git("commit-tree", tree, "-p", baseline, "-m", f"Experiment {name}")
            _git("update-ref", _REF.format(baseline[:2], baseline[2:], name), commit)
        except _GitError as error:
            said = str(error)
            if any(each in said for each in _UNKNOWN):
                return _NO_IDENTITY
            fatal = [line for line in said.splitlines() if line.startswith(("fatal:", "error:"))]
            return next(iter(fatal or said.splitlines()), "git failed")
    return ""


def _git(*arguments: str, environment: Mapping[str, str] | None = None) -> str:
    # In English, since what it says is looked at.
    environment = {**(environment or os.environ), "LC_ALL": "C", "LANGUAGE": "C"}
    done = subprocess.run(["git", *arguments], env=environment, capture_output=True, text=True)
    if done.returncode:
        raise _GitError(done.stderr.strip())
    return done.stdout.strip()
