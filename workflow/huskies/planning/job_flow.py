"""The flow as the jobs of a cluster find it, so that none of them lists the raw images and reads the code again.

Snakemake reads the Snakefile twice in each job. What the command has found by then is in a file beside the plans, whose
name is in the environment of its jobs.
"""

import hashlib
import json
import os
from pathlib import Path

from huskies import atomic
from huskies.errors import HuskyError
from huskies.planning import packs, plan
from huskies.planning.flow import Flow

VARIABLE = "HUSKIES_FLOW"


def publish(flow: Flow) -> None:
    """Write the main flow for the jobs of this command, and name it in their environment.

    Raises HuskyError where nothing can be written.
    """
    described = {"params": flow.params, "images": flow.images, "plans": flow.hashes, "shards": dict(flow.shards)}
    content = json.dumps(described, indent=1).encode()
    digest = hashlib.sha256(content).hexdigest()[:16]
    path = _path(digest)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic.write(path, content)
    except OSError as error:
        raise HuskyError(f"cannot write {path}: {error.strerror}. Free or allow the space, and run again.") from None
    os.environ[VARIABLE] = digest


def find() -> Flow | None:
    """Return the flow of the command whose job this is, or None where the environment names none that is there.

    A job without the project's folder has it from the environment itself. Raises HuskyError where a plan is gone.
    """
    if told := packs.heard():
        return told
    digest = os.environ.get(VARIABLE, "")
    try:
        content = _path(digest).read_bytes()
    except OSError:
        return None
    if hashlib.sha256(content).hexdigest()[:16] != digest:
        return None
    found = json.loads(content)
    plans = {stage: plan.fetch(each) for stage, each in found["plans"].items()}
    return Flow(found["params"], plans, counted=found["images"], shards=found["shards"])


def _path(digest: str) -> Path:
    return plan.FOLDER / f"flow-{digest}.json"
