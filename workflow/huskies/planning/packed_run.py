"""A stage made from archives into an archive, where its job has neither the project's folder nor results of others."""

import fcntl
import shutil
from collections.abc import Sequence
from pathlib import Path

from huskies import atomic, cache_file, receipt, shards, stage_folder
from huskies.errors import HuskyError, some
from huskies.planning import pack_file, packs, plan, runner, sharding

ROOT = Path("data")


def is_archive(path: Path) -> bool:
    """Tell whether a path that Snakemake names is that of an archive, and not of a receipt."""
    return path.parent.name == packs.FOLDER


def run_stage(stage: str, archive: Path, cores: int, inputs: Sequence[Path]) -> str:
    """Make a stage's archive; return the stage's line on what it did. What is there and sound is only packed.

    inputs: archives of the stages above, and what is sent. Raises HuskyError as runner.run_stage does.
    """
    receipts = unpacked(inputs)
    made = receipt_of(archive)
    said = "here already" if is_sound(made) else runner.run_stage(stage, made, cores, receipts)
    with stage_folder.lock(made.parent, fcntl.LOCK_SH):
        if not made.is_file():
            raise HuskyError(f"{made.parent} was replaced meanwhile. Run the same command again.")
        pack_file.write(archive, pack_file.below(made.parent, made.parent.name))
    return said


def unpacked(inputs: Sequence[Path]) -> list[Path]:
    """Put what archives hold where stages look for it; return the receipts, in their order. Receipts stay as they are.

    Raises HuskyError for an archive that is not, or not whole, what its name says.
    """
    found = []
    for path in inputs:
        kind = path.stem.rpartition("-")[0]
        if not is_archive(path):
            found.append(path)
        elif path.suffix == ".json":
            _keep_plan(path)
        elif kind == packs.WEIGHTS:
            pack_file.add(path, Path())
        elif kind == packs.BACKBONE:
            pack_file.add(path, cache_file.cache_folder())
        else:
            found.append(_unpacked(path))
    return found


def receipt_of(archive: Path) -> Path:
    """Return the receipt that the archive of a stage or shard has, where it lies when it is unpacked."""
    name = archive.stem.rpartition("-")[0]
    root = ROOT if shards.stage_of(name) == name else sharding.ROOT
    return root / name / receipt.name(packs.digest(archive))


def is_sound(made: Path) -> bool:
    """Tell whether a receipt is there, and its folder as it says."""
    return made.is_file() and not receipt.damage(made.parent)


def _keep_plan(path: Path) -> None:
    plan.FOLDER.mkdir(parents=True, exist_ok=True)
    atomic.write(plan.FOLDER / f"{packs.digest(path)}.json", path.read_bytes())


def _unpacked(archive: Path) -> Path:
    """Put a stage's folder in the place of another, unless it is there and sound; return its receipt."""
    made = receipt_of(archive)
    folder = made.parent
    with stage_folder.lock(folder, fcntl.LOCK_EX):
        stage_folder.recover(folder)
        if is_sound(made):
            return made
        building = folder.with_name(f".{folder.name}-{packs.digest(archive)}")
        try:
            building.mkdir()
            pack_file.extract(archive, building)
            unpacked = building / folder.name
            damaged = receipt.damage(unpacked) if (unpacked / made.name).is_file() else [made.name]
            if damaged:
                raise HuskyError(
                    f"{archive.name} is not what its name says: {some(damaged)}. Delete it from the bucket, and run "
                    "the same command again."
                )
            atomic.sync_all(unpacked)
            stage_folder.swap(unpacked, folder)
        finally:
            shutil.rmtree(building, ignore_errors=True)
    return made
