"""Runs one stage by its plan: locks, checks, an empty folder to fill, a receipt, and a swap by rename."""

import contextlib
import dataclasses
import errno
import fcntl
import importlib
import importlib.metadata
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import huskies
from huskies import atomic, digests, interrupts, receipt, sources, stage_folder
from huskies.errors import HuskyError, some
from huskies.job import Job
from huskies.planning.plan import fetch
from huskies.planning.stage_list import PINS, module_of
from huskies.shards import Shard


def run_stage(stage: str, receipt_path: Path, cores: int, inputs: Sequence[Path] = ()) -> str:
    """Build the folder of `receipt_path` by the plan it is named after; return the stage's line on what it did.

    inputs: the receipts of what the stage reads, and of its shards. What it reads and is not named lies beside the
    stage's own folder. Raises HuskyError for bad input. The folder is replaced only when all is done and still true.
    """
    plan = fetch(_digest(receipt_path))
    if plan["stage"] != stage:
        raise HuskyError(f"{receipt_path} is the receipt of {plan['stage']}, not of {stage}. Run snakemake {stage}.")
    folder = receipt_path.parent
    root = folder.parent
    elsewhere = {_digest(path): path.parent for path in inputs}
    above = {name: elsewhere.get(digest, root / name) for name, digest in plan["inputs"].items()}
    parts = [path for path in inputs if _digest(path) not in plan["inputs"].values()]
    _check_package()
    _check_libraries(plan)
    with _explained(folder), contextlib.ExitStack() as locks:
        # Whoever waits here holds only what lies above, so two runs can never wait for each other.
        for each in sorted([*above.values(), *(path.parent for path in parts)]):
            locks.enter_context(stage_folder.lock(each, fcntl.LOCK_SH))
        locks.enter_context(stage_folder.lock(folder, fcntl.LOCK_EX))
        stage_folder.recover(folder)
        _check_still_true(plan, above)
        _check_shards(plan, parts)
        building = root / f".{folder.name}-{receipt.plan_hash(plan)}"
        shutil.rmtree(building, ignore_errors=True)
        building.mkdir()
        job = _job(plan, above, building, folder, cores, tuple(path.parent for path in parts))
        if job.shard:
            job = dataclasses.replace(job, whole=_whole(root.parent / stage, locks))
        try:
            with interrupts.heeded():
                summary = _module(stage).run(job)
            _check_still_true(plan, above)
            # The receipt comes last on the disk, too: it vouches for all the rest.
            atomic.sync_all(building)
            receipt.write(building, plan)
        except BaseException:
            shutil.rmtree(building, ignore_errors=True)
            raise
        stage_folder.swap(building, folder)
    return f"shard {job.shard.number} of {job.shard.count}: {summary}" if job.shard else summary


def make_again(digest: str, root: Path, building: Path, cores: int) -> None:
    """Make a stage once more into a new folder, from what lies above it in `root`, and take nothing over.

    digest: the hash of its plan. The stage's own folder is held meanwhile, and stays as it is. Raises HuskyError as
    `run_stage` does.
    """
    plan = fetch(digest)
    folder, above = root / plan["stage"], {name: root / name for name in plan["inputs"]}
    _check_package()
    _check_libraries(plan)
    with _explained(folder), contextlib.ExitStack() as locks:
        for each in sorted([*above.values(), folder]):
            locks.enter_context(stage_folder.lock(each, fcntl.LOCK_SH))
        _check_still_true(plan, above)
        building.mkdir(parents=True)
        job = dataclasses.replace(_job(plan, above, building, folder, cores), previous=None, anew=True)
        with interrupts.heeded():
            _module(plan["stage"]).run(job)


@contextlib.contextmanager
def reading(receipts: Sequence[Path], output: Path) -> Iterator[None]:
    """Hold the folders of these receipts to read them, and `output`, which is no stage's folder, to write it.

    Raises HuskyError where a folder is not, or no longer, as its receipt says, or `output` cannot be written.
    """
    with _explained(output), contextlib.ExitStack() as locks:
        # As for a stage: whoever waits for what is written holds only what is read.
        for folder in sorted(path.parent for path in receipts):
            locks.enter_context(stage_folder.lock(folder, fcntl.LOCK_SH))
        locks.enter_context(stage_folder.lock(output, fcntl.LOCK_EX))
        for path in receipts:
            if not path.is_file():
                raise HuskyError(f"{path.parent} was replaced meanwhile. Run the same command again.")
            _check_bytes(path.parent)
        yield


def _digest(receipt_path: Path) -> str:
    return receipt_path.stem.removeprefix("receipt-")


def _module(stage: str):
    return importlib.import_module(f"huskies.{module_of(stage)}")


def _job(
    plan: dict[str, Any],
    above: dict[str, Path],
    building: Path,
    folder: Path,
    cores: int,
    shards: tuple[Path, ...] = (),
) -> Job:
    return Job(
        stage=plan["stage"],
        params=plan["params"],
        inputs=above,
        files=plan["files"],
        code=plan["code"],
        libraries=plan["libraries"],
        raw_digest=plan["raw"],
        provenance=plan["provenance"],
        output=building,
        previous=folder if folder.is_dir() else None,
        cores=cores,
        shard=Shard(*plan["shard"]) if "shard" in plan else None,
        shards=shards,
    )


def _whole(folder: Path, locks: contextlib.ExitStack) -> Path | None:
    """Return the last output of a shard's stage, held to be read; None where another run has it, or none is there."""
    # Not waited for: whoever builds it may be waiting for this shard.
    with contextlib.suppress(BlockingIOError):
        locks.enter_context(stage_folder.lock(folder, fcntl.LOCK_SH, wait=False))
        return folder if folder.is_dir() else None
    return None


def _check_shards(plan: dict[str, Any], receipts: Sequence[Path]) -> None:
    """Raise HuskyError unless each receipt is there, sound, and that of a shard of this plan."""
    for path in receipts:
        made = receipt.read(path.parent)
        if made is None or made["plan"] | {"shard": None} != plan | {"shard": None} or not path.is_file():
            raise HuskyError(f"{path.parent} is no shard of this run, or no longer. Run the same command again.")
        _check_bytes(path.parent)


def _check_package() -> None:
    here, imported = Path("workflow/huskies").resolve(), Path(huskies.__file__).resolve().parent
    if here != imported:
        raise HuskyError(
            f"the code of another workspace would run: huskies was imported from {imported}, not from {here}. "
            "Run through snakemake, or set PYTHONPATH=workflow."
        )


def _check_libraries(plan: dict[str, Any]) -> None:
    for library, pinned in plan["libraries"].items():
        installed = importlib.metadata.version(library)
        if installed != pinned:
            raise HuskyError(
                f"{library} {installed} is installed, but {PINS} pins {pinned}, and another version makes "
                "other bytes. Install what is pinned: make env"
            )


def _check_still_true(plan: dict[str, Any], above: dict[str, Path]) -> None:
    for path, digest in plan["code"].items():
        if sources.code_digest(Path(path).read_text(encoding="utf-8")) != digest:
            raise HuskyError(f"{path} was edited since the run began. Run the same command again.")
    for path, digest in plan["files"].items():
        if digests.file_digest(Path(path)) != digest:
            raise HuskyError(f"{path} was edited since the run began. Run the same command again.")
    for name, digest in plan["inputs"].items():
        if not (above[name] / receipt.name(digest)).is_file():
            raise HuskyError(
                f"{above[name]} is not, or no longer, what this run needs: another run with other parameters "
                "replaced it, or it was not checked out. Run the same command again; under DVC: dvc checkout"
            )
    # Afterwards too: what a stage reads through a memory map may have been edited in place under its hands.
    for each in above.values():
        _check_bytes(each)


def _check_bytes(folder: Path) -> None:
    damaged = receipt.damage(folder)
    if damaged:
        raise HuskyError(
            f"{folder} is not as its receipt says: {some(damaged)}. Delete the folder and run the same command again."
        )


@contextlib.contextmanager
def _explained(folder: Path) -> Iterator[None]:
    """Turn what the file system refuses into a message; anything else is a fault of ours and keeps its traceback."""
    reasons = {
        errno.ENOSPC: "the disk is full. Free some space",
        errno.EDQUOT: "the disk quota is used up. Free some space",
        errno.EROFS: "the file system is read-only. Make it writable, or work in a copy of the project elsewhere",
        errno.EACCES: "permission is denied. Make the folder writable for you",
        errno.EPERM: "permission is denied. Make the folder writable for you",
    }
    try:
        yield
    except OSError as error:
        # numpy and h5py report a full disk without its number.
        full = error.errno is None and shutil.disk_usage(folder.parent).free < 1 << 20
        number = errno.ENOSPC if full else error.errno
        if number not in reasons:
            raise
        where = error.filename or folder
        raise HuskyError(
            f"cannot write {where}: {reasons[number]}, then run the same command again. "
            "Earlier results are as they were."
        ) from None
