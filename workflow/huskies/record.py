"""record: tells DVC of what Snakemake built, and only of what is true."""

import os
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
    """Commit the true stages to DVC; return a line on it. A failure of DVC's is reported and breaks nothing."""
    if not Path(".dvc").is_dir():
        return "not recorded: this folder is no DVC repository"
    names = true_stages()
    if not names:
        return "not recorded: no stage is complete and as params.yaml says"
    # DVC's own warnings about paths and versions would read as if they were about the images.
    command = [sys.executable, "-m", "dvc", "commit", "--force", "--quiet", *names]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "DVC_NO_ANALYTICS": "1"})
    if done.returncode:
        reason = (done.stderr or done.stdout).strip().splitlines()
        return f"not recorded: dvc commit failed: {reason[-1] if reason else done.returncode}"
    return f"recorded in dvc.lock: {', '.join(names)}"
