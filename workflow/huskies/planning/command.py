"""A command of Snakemake's from end to end: what is refused before anything is made, and what is done afterwards.

Snakemake calls `onsuccess` only when it has run a job. Before it makes anything, it asks the input functions of the
rules, also where nothing is to be done, and its settings are known then.
"""

import json
import os
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

from snakemake.shell import shell

from huskies import file_systems, progress, stage_folder
from huskies.backbone import common_engine
from huskies.errors import HuskyError
from huskies.planning import job_flow, packs, plan, record, sharding, stage_list, targets
from huskies.planning.flow import Flow

# Where the settings of experiments.csv are put side by side, each of which DVC is told of.
_SETTINGS = "data/experiments"
_PAGE = "the page, and an experiment of this run for dvc exp show: snakemake --cores all report"


def begin(workflow: Any, flow: Flow, found: Collection[str] = ()) -> None:
    """Raise HuskyError for what Snakemake would not make; where nothing is to be done, do what comes afterwards.

    workflow: Snakemake's, before it makes its graph of jobs. found: what is asked for beside what the rules name.
    """
    if not workflow.is_main_process:
        return
    targets.refuse(workflow)
    files = targets.asked(workflow) | set(found)
    if runs(workflow) and not workflow.local_exec:
        _hand_to_jobs(workflow, flow, files)
    if packs.used(workflow):
        # Snakemake sees for itself what is in the bucket; of it DVC is told when it has been collected.
        return
    if runs(workflow) and files and all(os.path.exists(file) for file in files):
        end(workflow, flow, files)


def _hand_to_jobs(workflow: Any, flow: Flow, files: Collection[str]) -> None:
    """Spare jobs on other machines what this command knows, and say what those machines cannot keep apart."""
    if _needs_bottlenecks(flow, files):
        _settle_engine(flow.params["backbone"])
    if packs.used(workflow):
        packs.tell(flow)
        return
    job_flow.publish(flow)
    if option := file_systems.locks_of_one_machine(Path("data")):
        progress.say(
            f"the file system of this project is mounted with {option}, so that locks hold on one machine only: start "
            "no second run in this folder from another one before this ends."
        )


def _needs_bottlenecks(flow: Flow, files: Collection[str]) -> bool:
    """Tell whether what is asked for, and is not there, may follow from bottlenecks; of what is no receipt, it may."""
    stage_of = {flow.receipt(stage): stage for stage in flow.plans}
    computing = {stage for stage, planned in flow.plans.items() if "backbone" in planned["params"]}
    absent = [file for file in files if not os.path.exists(file)]
    return not files or any(
        file not in stage_of or not computing.isdisjoint(plan.lineage(stage_of[file], flow.plans)) for file in absent
    )


def _settle_engine(backbone: dict[str, Any]) -> None:
    """Settle here, for all machines of the run, what `auto` stands for; int8 leaves nothing to settle.

    Raises HuskyError as engine.settle does.
    """
    if backbone["precision"] == "int8" or "auto" not in (backbone["engine"], backbone["precision"]):
        return
    # In a process of its own: Snakemake's has no need of the libraries.
    asked = [sys.executable, "-m", "huskies", "settle_engine", "--backbone", json.dumps(backbone)]
    done = subprocess.run(asked, capture_output=True, text=True)
    if done.returncode == 2:
        raise HuskyError(done.stderr.strip().removeprefix("ERROR: "))
    done.check_returncode()
    if done.stderr:
        progress.say(done.stderr.rstrip("\n"))
    common_engine.tell(backbone, json.loads(done.stdout))


def runs(workflow: Any) -> bool:
    """Tell whether the command makes something: not where Snakemake draws, lists or pretends."""
    return workflow.execution_settings is not None and not workflow.dryrun and not workflow.touch


def end_of_jobs(workflow: Any, flow: Flow) -> None:
    """Do what comes after the jobs; those of other machines have spoken to nobody, and are heard first.

    Raises HuskyError as `end` does.
    """
    jobs = set(workflow.dag.needrun_jobs(exclude_finished=False))
    if not workflow.local_exec:
        _hear(workflow, [job for level in workflow.dag.toposorted(jobs) for job in level if not job.is_local])
    if not packs.used(workflow):
        end(workflow, flow, targets.made(workflow))
    elif any(job.rule.name == "collect" for job in jobs):
        end(workflow, flow, [flow.receipt(stage) for stage in stage_list.tracked()])


def _hear(workflow: Any, jobs: list[Any]) -> None:
    """Say what jobs of other machines have said, from their logs, which may be in a bucket."""
    for log in (log for job in jobs for log in job.log):
        if log.is_storage:
            workflow.async_run(log.retrieve_from_storage())
        if Path(log).is_file():
            progress.say(Path(log).read_text(encoding="utf-8").rstrip("\n"))


def end(workflow: Any, flow: Flow, files: Collection[str]) -> None:
    """See that all that was asked for is there, delete what killed runs have left, and tell DVC of news.

    DVC is told nothing of overridden parameters, nor by its own jobs. Raises HuskyError as targets.check does.
    """
    targets.check(files)
    stage_folder.clear(Path("data"))
    sharding.clear(flow)
    if workflow.config_settings.overwrite_config or os.environ.get("DVC_STAGE"):
        return
    if record.needed(flow.plans):
        shell("python -m huskies record")
    if any(str(Path(file).parent) == _SETTINGS for file in files):
        shell("python -m huskies keep_settings")
    if flow.receipt("metrics") in files and not Path(flow.receipt("report")).exists():
        progress.say(_PAGE)
