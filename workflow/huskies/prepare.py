"""What the Snakefile does before any job: parameters, plans, and all that can be refused at once."""

import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from huskies import params, plan, receipt
from huskies.errors import HuskyError, some


def prepare(overrides: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the published plan of every stage for params.yaml with overrides; raise HuskyError if any is bad."""
    plans = plan.all_plans(params.load(overrides=overrides))
    for folder in (Path("data"), Path(".snakemake")):
        if folder.exists() and not os.access(folder, os.W_OK):
            raise HuskyError(
                f"the folder {folder} is not writable. Make it writable, or work in a copy of the project elsewhere."
            )
    check_upstream(plans, os.environ.get("DVC_STAGE", ""))
    try:
        plan.publish(plans)
    except OSError as error:
        raise HuskyError(
            f"cannot write {error.filename or plan.FOLDER}: {error.strerror}. Free or allow the space, and run again."
        ) from None
    return plans


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
                "Mend and record it, then run the same dvc command again: snakemake --cores all metrics"
            )
    raise HuskyError(f"{stage} needs data/{absent[0]}, which is not there. Get it: dvc checkout, or dvc pull")


def put_first(workspace: Path = Path()) -> None:
    """Let the jobs find this workspace's code and this environment's programs before any others."""
    found = {"PYTHONPATH": (workspace / "workflow").resolve(), "PATH": Path(sys.executable).parent}
    for variable, folder in found.items():
        os.environ[variable] = os.pathsep.join(filter(None, [str(folder), os.environ.get(variable)]))


def plans_or_exit(overrides: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return `prepare`'s plans; print bad input as `ERROR: …` and end Snakemake with exit status 2."""
    put_first()
    try:
        return prepare(overrides)
    except HuskyError as error:
        report(error)
        sys.exit(2)


def report(error: HuskyError) -> None:
    """Print an error as users see it; under DVC with the way back to before the command."""
    print(f"ERROR: {error}", file=sys.stderr)
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
