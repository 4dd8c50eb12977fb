"""check: makes every stage again from nothing, and compares the bytes with those that are there.

The store, earlier outputs, kept backbones and what DVC has recorded are left aside: what comes out is what somebody
without any of them gets. Nothing under data/ is changed.
"""

import shutil
from pathlib import Path
from typing import Any

from huskies import cache_file, progress, receipt
from huskies.errors import HuskyError, some
from huskies.planning import record, runner

# A folder below data/, so that it is on the same disk as what it is compared with.
BUILDING = ".check"


def compare(planned: dict[str, Any], root: Path, cores: int) -> tuple[list[str], int]:
    """Make a stage again; return (the files that came out otherwise, how many there are)."""
    building = root / BUILDING / planned["stage"]
    runner.make_again(receipt.plan_hash(planned), root, building, cores)
    kept, made = receipt.digests(root / planned["stage"]), receipt.digests(building)
    shutil.rmtree(building)
    return sorted(file for file in kept.keys() | made.keys() if kept.get(file) != made.get(file)), len(kept)


def run(plans: dict[str, dict[str, Any]], cores: int, root: Path = Path("data")) -> str:
    """Make every true stage of DVC's again; return a line on them. Raises HuskyError for what came out otherwise."""
    reasons = record.reasons(plans, root)
    names = [name for name, reason in reasons.items() if not reason]
    if not names:
        raise HuskyError("there is nothing to check. Make it first: snakemake --cores all metrics")
    different, files = {}, 0
    shutil.rmtree(root / BUILDING, ignore_errors=True)
    try:
        with cache_file.empty_cache_folder():
            for name in names:
                found, count = compare(plans[name], root, cores)
                progress.say(f"check: {name}: {len(found)} of {count} files differ")
                different |= {name: found} if found else {}
                files += count
    finally:
        shutil.rmtree(root / BUILDING, ignore_errors=True)
    if different:
        raise HuskyError(_refusal(different, len(names), root))
    return (
        f"{len(names)} stages made again from nothing: all {files} files have the same bytes{record.left_out(reasons)}"
    )


def _refusal(different: dict[str, list[str]], stages: int, root: Path) -> str:
    said = "; ".join(f"{root / name}: {some(files)}" for name, files in different.items())
    return (
        f"made again from nothing, {len(different)} of {stages} stages have other bytes: {said}. The same bytes are "
        "promised on one type of processor with the pinned libraries; results from another may differ by rounding, "
        "which audit allows for. To have this machine's: "
        f"rm -rf {' '.join(str(root / name) for name in different)} && snakemake --cores all report"
    )
