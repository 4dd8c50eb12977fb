"""Stages made in shards by hand, as the runner makes them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from huskies import receipt, shards
from huskies.job import Job


def make_shards(job: Job, run: Callable[[Job], str], count: int, folder: Path) -> tuple[Job, list[str]]:
    """Make the shards of a job's stage, with receipts, below a folder; return the job that has them, and their lines.

    What lies there already is each shard's last output.
    """
    made, said = [], []
    for name, shard in shards.of(job.stage, count):
        before, output = folder / name, folder / f"new-{name}"
        output.mkdir(parents=True)
        said.append(run(replace(job, shard=shard, output=output, previous=before if before.is_dir() else None)))
        described = {"stage": job.stage, "params": job.params, "code": job.code, "libraries": job.libraries}
        receipt.write(output, {**described, "inputs": {}, "shard": list(shard)})
        if before.is_dir():
            before.rename(folder / f"old-{name}")
        made.append(output.rename(before))
    return replace(job, shards=tuple(made)), said


def contents(folder: Path) -> dict[str, bytes]:
    """Return the bytes of every file below a folder, receipts excepted, by path."""
    return {name: path.read_bytes() for name, path in receipt.files(folder).items()}
