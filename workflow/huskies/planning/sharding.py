"""Which shards a command makes, and where they lie: run.shards of each stage that takes long on many images."""

import contextlib
import fcntl
import os
import shutil
from pathlib import Path
from typing import Any

from huskies import receipt, shards, stage_folder
from huskies.planning import packs
from huskies.planning.flow import Flow

ROOT = Path("data/shards")


def pattern(stage: str, archives: bool) -> str:
    """Return the path of the receipts of a stage's shards, or of their archives, with wildcards of Snakemake's."""
    return _path(f"{stage}_{{number}}_of_{{total}}", "{hash}", archives)


def _path(name: str, digest: str, archives: bool) -> str:
    return packs.archive(name, digest) if archives else f"{ROOT}/{name}/{receipt.name(digest)}"


def wanted(stage: str, flow: Flow, workflow: Any) -> list[str]:
    """Return the receipts, or the archives, of the shards that a stage is to be put together from; none if made whole.

    workflow: Snakemake's, when it makes its graph of jobs. A command that may only use the stage's own rule makes
    it whole, and so does one that makes it beside the raw images while the rest is in a bucket.
    """
    archives = packs.used(workflow)
    allowed = workflow.dag_settings.allowed_rules if workflow.is_main_process else ()
    if (allowed and f"{stage}_shard" not in allowed) or (archives and stage in packs.AT_HOME):
        return []
    # What is there is not put together again, and its shards may be gone.
    if not archives and os.path.exists(flow.receipt(stage)):
        return []
    return [_path(name, digest, archives) for name, digest in flow.shards.items() if shards.stage_of(name) == stage]


def clear(flow: Flow) -> None:
    """Delete the shards of another number than now, and what killed runs have left; what a run holds stays."""
    stage_folder.clear(ROOT)
    for folder in [each for each in ROOT.glob("*_of_*") if each.name not in flow.shards]:
        with contextlib.suppress(BlockingIOError), stage_folder.lock(folder, fcntl.LOCK_EX, wait=False):
            shutil.rmtree(folder, ignore_errors=True)
