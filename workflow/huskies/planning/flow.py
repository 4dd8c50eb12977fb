"""What the Snakefile does before any job: parameters, plans, and all that can be refused at once."""

import contextlib
import logging
import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from huskies import receipt
from huskies.errors import HuskyError, some
from huskies.images import pairs, raw_files
from huskies.planning import params, plan, stage_list, targets

Made = TypeVar("Made")


@dataclass(frozen=True)
class Flow:
    """The stages from raw images to numbers, once: their plans, by name, and where they lie.

    params: validated parameters. root: the folder that holds a folder for each stage. shared: the root of each stage
    that is another flow's.
    """

    params: dict[str, Any]
    plans: dict[str, dict[str, Any]]
    root: str = "data"
    shared: Mapping[str, str] = field(default_factory=dict)

    def receipt(self, stage: str) -> str:
        """Return the path of the receipt that the stage is to have."""
        return receipt_path(self.plans[stage], self.shared.get(stage, self.root))

    def upstream(self, stage: str) -> list[str]:
        """Return the receipts of the stages above, in the order of dvc.yaml."""
        return [self.receipt(above) for above in self.plans[stage]["inputs"]]

    def log(self, stage: str) -> str:
        """Return where the stage keeps what it says: logs/split.log, or logs/repeats/3/split.log."""
        return f"{self.root.replace('data', 'logs', 1)}/{stage}.log"


def prepare(overrides: dict[str, Any]) -> Flow:
    """Return the main flow, its plans published, for params.yaml with overrides; raise HuskyError if any is bad."""
    values = params.load(overrides=overrides)
    raw_files.check_place(Path(values["raw"]), [*stage_list.stages(), *stage_list.controls()])
    pairs.begin()
    plans = plan.all_plans(values)
    for folder in (Path("data"), Path(".snakemake"), Path("logs")):
        if folder.exists() and not os.access(folder, os.W_OK):
            raise HuskyError(
                f"the folder {folder} is not writable. Make it writable, or work in a copy of the project elsewhere."
            )
    check_upstream(plans, os.environ.get("DVC_STAGE", ""))
    plan.publish(plans)
    forget_damaged_notes()
    return Flow(values, plans)


def forget_damaged_notes(folder: Path = Path(".snakemake/metadata")) -> None:
    """Delete what Snakemake has noted of a job and cannot decode: it passes over half of a note, and not over this.

    Notes say when a job ran and how long, for `snakemake --report`. No result depends on them.
    """
    for path in folder.rglob("*"):
        with contextlib.suppress(IsADirectoryError, FileNotFoundError):
            try:
                path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                path.unlink(missing_ok=True)


def check_upstream(plans: dict[str, dict[str, Any]], stage: str) -> None:
    """Raise HuskyError unless the folders that a stage reads follow from their plans, and say which does not, and why.

    DVC runs one stage at a time, and may take for unchanged what is not: it does not see an edit with the file's
    size and time restored, nor what has changed since it looked.
    """
    inputs = plans[stage]["inputs"] if stage in plans else {}
    absent = [name for name in inputs if not Path(receipt_path(plans[name])).exists()]
    if not absent:
        return
    for name in plan.lineage(stage, plans)[:-1]:
        content = receipt.read(Path("data", name))
        if content is not None and (reasons := receipt.differences(content["plan"], plans[name])):
            raise HuskyError(
                f"data/{name} is stale, which DVC did not see: {some(reasons)}. "
                "Fix and record it, then run the same dvc command again: snakemake --cores all metrics"
            )
    raise HuskyError(f"{stage} needs data/{absent[0]}, which is not there. Get it: dvc checkout, or dvc pull")


def put_first(workspace: Path = Path()) -> None:
    """Let the jobs find this workspace's code and this environment's programs before any others."""
    found = {"PYTHONPATH": (workspace / "workflow").resolve(), "PATH": Path(sys.executable).parent}
    for variable, folder in found.items():
        others = [each for each in os.environ.get(variable, "").split(os.pathsep) if each not in ("", str(folder))]
        os.environ[variable] = os.pathsep.join([str(folder), *others])


def or_exit(make: Callable[..., Made], *arguments: Any) -> Made:
    """Return make(*arguments); print bad input as `ERROR: …` and end Snakemake with exit status 2."""
    put_first()
    try:
        return make(*arguments)
    except HuskyError as error:
        report(error)
        sys.exit(2)


def asked_for(names: Collection[str], command: Collection[str]) -> list[str]:
    """Return those names that a command line speaks of, as targets or in parts of targets.

    Snakemake knows its targets only when it has read all rules, and reading those of twenty flows takes a while.
    """
    return [name for name in names if any(re.search(rf"\b{name}(?=$|[_/:])", each) for each in command)]


def report(error: HuskyError) -> None:
    """Print an error as users see it; under DVC with the way back to before the command."""
    print(f"ERROR: {error}", *getattr(error, "__notes__", ()), sep="\n", file=sys.stderr)
    if os.environ.get("DVC_STAGE"):
        print("To go back to before this dvc command: git checkout params.yaml && dvc checkout", file=sys.stderr)


def receipt_path(planned: dict[str, Any], root: str = "data") -> str:
    """Return where the receipt of a plan lies."""
    return f"{root}/{planned['stage']}/{receipt.name(receipt.plan_hash(planned))}"


def when_nothing_to_be_done(action: Callable[[], None]) -> None:
    """Call `action` when Snakemake says that there is nothing to be done, for which it has no hook of its own."""
    from snakemake.common import NOTHING_TO_BE_DONE_MSG
    from snakemake.logging import logger

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.msg == NOTHING_TO_BE_DONE_MSG:
                action()

    logger.addHandler(Listener())


def let_sigterm_end_snakemake() -> None:
    """Have Snakemake's own answer to SIGTERM, which ends it after the running jobs, given by a thread of its own.

    It takes a lock that the interrupted code may be holding (JobScheduler.exit_gracefully, Snakemake 9.27): in the main
    thread it would then wait for itself, for ever.
    """
    end = signal.getsignal(signal.SIGTERM)
    if callable(end):
        signal.signal(signal.SIGTERM, lambda *given: threading.Thread(target=end, args=given).start())


def add_page(workflow: Any) -> list[str]:
    """Refuse what Snakemake would not make; let who asks it for metrics get the report as well: DVC has both.

    DVC itself allows the rule of one stage alone. Beside the test, whose look at the test images is to stand in the
    page, the page comes later: the list that is returned has then the rule to run afterwards, report or publish.
    Targets are known only when the Snakefile has been read, and there is no hook then.
    """
    make_dag, later = workflow._prepare_dag, []

    def make_dag_with_page(*arguments: Any, **options: Any) -> None:
        settings = workflow.dag_settings
        if workflow.is_main_process:
            or_exit(targets.refuse, workflow)
        asked = {_rule_of(target) for target in settings.targets}
        if "test" in asked:
            later[:] = ["publish" if "publish" in asked else "report"]
            if _runs_jobs(workflow):
                settings.targets = {each for each in settings.targets if _rule_of(each) not in ("report", "publish")}
        elif "metrics" in asked and not settings.allowed_rules:
            settings.targets = {*settings.targets, "report"}
        make_dag(*arguments, **options)

    workflow._prepare_dag = make_dag_with_page
    return later


def _rule_of(target: str) -> str:
    """Return the rule that a target asks for: itself, or that of a file of the main flow, data/<rule>/…."""
    parts = Path(target).parts
    return parts[1] if len(parts) > 2 and parts[0] == "data" else target


def _runs_jobs(workflow: Any) -> bool:
    """Tell whether what comes later does come: not where Snakemake draws, pretends or touches, or with --config."""
    runs = workflow.execution_settings is not None and not workflow.dryrun and not workflow.touch
    return runs and not workflow.config_settings.overwrite_config
