"""What Snakemake is asked for: refused at once where Snakemake would not make it, and checked to be there at the end.

Rules are joined by receipts that are `ancient()`. Where Snakemake is made to run a job whose receipt exists, it leaves
out everything below it, and ends with 0 (`DAG.update_needrun`, Snakemake 9.27). So a job must never be forced.
"""

import os
from collections.abc import Collection
from pathlib import Path
from typing import Any, NoReturn

from snakemake_interface_executor_plugins.settings import SharedFSUsage

from huskies import digests, receipt
from huskies.errors import HuskyError, some
from huskies.planning import packs, plan, stage_list

_LEAVE_OUT = "Leave the option out."
_FORCED = (
    "a result is not made again by force: Snakemake would delete it first, and leave out what lies below it. Its "
    "receipt's name says what it was made from, so that it is never stale. To see whether it comes out the same: "
    f"snakemake --cores all check. To make it anew, delete its folder. {_LEAVE_OUT}"
)
_TIMES = f"times say nothing here: a receipt's name says what a result was made from. {_LEAVE_OUT}"
# Of targets that there were: what takes their place.
_REPLACED = {
    "repeats": "cross-validation, a part of metrics, has narrower intervals from the same images "
    "(docs/cross_validation.md): snakemake --cores all metrics. For other validation images, set split.repeat."
}
_FOLDER = (
    "jobs find the code, the plans and each other's results in the project's folder, which has to be on a file system "
    "that all machines share, or in a bucket, by --default-storage-provider (docs/cluster.md). Leave the option out, "
    "or give both."
)
_ONE_FLOW = "by a bucket the main flow alone is made. Leave --default-storage-provider out (docs/cluster.md)."


def refuse_no_folder(workflow: Any) -> None:
    """Raise HuskyError for options by which jobs would have neither the project's folder nor a bucket.

    workflow: Snakemake's, as it is when it begins to read the Snakefile. Call it before all else.
    """
    settings = workflow.storage_settings
    if settings is None or packs.used(workflow):
        return
    if SharedFSUsage.INPUT_OUTPUT not in settings.shared_fs_usage:
        raise HuskyError(f"--shared-fs-usage: {_FOLDER}")


def refuse_families(name: str) -> NoReturn:
    """Raise HuskyError for a target that stands for other flows, whose results are not packed."""
    raise HuskyError(f"{name}: {_ONE_FLOW}")


def refuse(workflow: Any) -> None:
    """Raise HuskyError for options of Snakemake's, and for targets, that would end in 0 without a result.

    workflow: Snakemake's, with its settings, before it makes its graph of jobs.
    """
    settings = workflow.dag_settings
    forced = {"--forcerun": settings.forcerun, "--force": settings.forcetargets, "--forceall": settings.forceall}
    for option in (name for name, given in forced.items() if given):
        raise HuskyError(f"{option}: {_FORCED}")
    if workflow.touch:
        raise HuskyError(f"--touch: {_TIMES}")
    if {each.name for each in settings.rerun_triggers} != {"MTIME"}:
        raise HuskyError(f"--rerun-triggers: {_TIMES} Without profiles/default, it has to be mtime.")
    _refuse_files({*settings.targets, *settings.until, *settings.omit_from}, workflow.rules)


def refuse_replaced(target: str) -> NoReturn:
    """Raise HuskyError for a target that there is no longer, and name what takes its place."""
    raise HuskyError(f"there is no target '{target}' any longer: {_REPLACED[target]}")


def _refuse_files(targets: Collection[str], rules: Collection[Any]) -> None:
    """Raise HuskyError for a file under data/ that no rule makes: Snakemake is content with it, whatever it is of."""
    for target in sorted(targets):
        path = os.path.relpath(target)
        if path.startswith("data/") and os.path.exists(path) and not any(rule.is_producer(path) for rule in rules):
            parts = Path(path).parts
            raise HuskyError(
                f"{target} may be of other parameters than those of now, and no rule makes it. Ask for the stage by "
                f"its name, as in: snakemake --cores all {parts[1]}"
            )


def asked(workflow: Any) -> set[str]:
    """Return the files that the targets of a command stand for, as far as they are known before the graph of jobs.

    A rule that makes no file stands for what it reads.
    """
    names = workflow.dag_settings.targets or {workflow.default_target}
    rules = {rule.name: rule for rule in workflow.rules if rule.name in names}
    files = {str(file) for rule in rules.values() for file in (rule.output or rule.input) if not file.is_callable()}
    return files | {name for name in names if name not in rules}


def to_collect(workflow: Any, plans: dict[str, dict[str, Any]]) -> list[str]:
    """Return DVC's stages, and those that the same command asks for with all above them, in the order of the flow."""
    wanted = {*stage_list.tracked(), *(workflow.dag_settings.targets & plans.keys())}
    found = set().union(*(plan.lineage(stage, plans) for stage in wanted))
    return [stage for stage in plans if stage in found]


def made(workflow: Any) -> set[str]:
    """Return the files that were asked for, when Snakemake has done what it had to do."""
    return {str(file) for job in workflow.dag.targetjobs for file in (job.output or job.input)}


def check(files: Collection[str]) -> None:
    """Raise HuskyError unless all these files are there, and each folder with a receipt is as the receipt says."""
    absent = sorted(file for file in files if not Path(file).is_file())
    if absent:
        raise HuskyError(
            f"not made, though it was asked for: {some(absent)}. Another run may have replaced it meanwhile. "
            "Run the same command again."
        )
    for folder in sorted({Path(file).parent for file in files if receipt.is_name(Path(file).name)}):
        if damaged := receipt.damage(folder, _remembered_digests):
            raise HuskyError(
                f"{folder} is not as its receipt says: {some(damaged)}. Delete the folder and run the same command "
                f"again: rm -rf {folder}"
            )


def _remembered_digests(folder: Path) -> dict[str, str]:
    """Return what receipt.digests does, without reading again what is known by a stat."""
    paths = receipt.files(folder)
    found = digests.file_digests([(str(path), path.stat()) for path in paths.values()])
    return dict(zip(paths, found, strict=True))
