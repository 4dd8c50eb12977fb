"""The one stage that DVC asks for, made by the present parameters.

DVC goes through the stages by itself, one at a time, in the order of the rules. So Snakemake, which takes over a second
to start, has nothing to plan here.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from huskies import stage_folder
from huskies.planning import flow, sharding, targets


def run(stage: str, command: Callable[[Sequence[str]], int]) -> int:
    """Make a stage from those above it, unless it is there; return the exit status: 0, or 2 for bad input.

    command: runs a stage as its rule does, and returns the status. The stage is made whole, whatever `run.shards` says,
    on all cores. Raises HuskyError as flow.prepare and targets.check do.
    """
    flow.put_first()
    prepared = flow.prepare({})
    receipt = prepared.receipt(stage)
    if not os.path.exists(receipt):
        cores = len(os.sched_getaffinity(0))
        if status := command(
            [stage, "--receipt", receipt, "--inputs", *prepared.upstream(stage), "--cores", str(cores)]
        ):
            return status
    targets.check([receipt])
    stage_folder.clear(Path("data"))
    sharding.clear(prepared)
    return 0
