"""record: tells DVC of what Snakemake built, and only of what is true."""

import subprocess
import sys
from pathlib import Path

from huskies import params, plan, receipt


def true_stages(root: Path = Path("data")) -> list[str]:
    """Return the stages whose folder follows from params.yaml and is as its receipt says, with all above it."""
    plans = plan.all_plans(params.load())
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


def run() -> str:
    """Commit the true stages to DVC, and save a complete run as an experiment; return a line on it.

    A failure of DVC's is reported and breaks nothing.
    """
    if not Path(".dvc").is_dir():
        return "not recorded: this folder is no DVC repository"
    names = true_stages()
    if not names:
        return "not recorded: no stage is complete, with all above it, and as params.yaml says"
    if failure := _dvc("commit", "--force", "--quiet", *names):
        return f"not recorded: dvc commit failed: {failure}"
    line = f"recorded in dvc.lock: {', '.join(names)}"
    # Saving commits every stage, so it must not happen while any is stale or unfinished.
    if names != list(plan.tracked()):
        return line
    content = receipt.read(Path("data", names[-1]))
    name = f"run-{receipt.plan_hash(content['plan'])[:8]}"
    failure = _dvc("exp", "save", "--force", "--quiet", "--name", name)
    return f"{line}; not saved as an experiment: {failure}" if failure else f"{line}; saved as experiment {name}"


def _dvc(*arguments: str) -> str:
    """Run dvc; return the empty string, or the last line of what it says of its failure."""
    done = subprocess.run([sys.executable, "-m", "dvc", *arguments], capture_output=True, text=True)
    if not done.returncode:
        return ""
    said = (done.stderr or done.stdout).strip().splitlines()
    return said[-1] if said else f"exit status {done.returncode}"
