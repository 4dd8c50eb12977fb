"""What the Snakefile does before any job: parameters, plans, and all that can be refused at once."""

import contextlib
import functools
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from huskies import receipt
from huskies.errors import HuskyError, some
from huskies.images import corrections, pairs, raw_files
from huskies.planning import params, plan, resources, stage_list

Made = TypeVar("Made")


@dataclass(frozen=True)
class Flow:
    """The stages from raw images to numbers, once: their plans, by name, and where they lie.

    params: validated parameters. root: the folder that holds a folder for each stage. shared: the root of each stage
    that is another flow's, or lies apart so that it can be. read: the receipts of other flows that a stage reads, by
    stage. counted: the number of raw images, where it is known. told, sent: for a job without the project's folder, the
    hashes of the plans in place of the plans, and what is sent to a job of each stage (packs.py). shards: the hash of
    each shard's plan, by its name.
    """

    params: dict[str, Any]
    plans: dict[str, dict[str, Any]]
    root: str = "data"
    shared: Mapping[str, str] = field(default_factory=dict)
    read: Mapping[str, Sequence[str]] = field(default_factory=dict)
    counted: int | None = None
    told: Mapping[str, str] = field(default_factory=dict)
    sent: Mapping[str, Sequence[str]] = field(default_factory=dict)
    shards: Mapping[str, str] = field(default_factory=dict)

    @functools.cached_property
    def images(self) -> int:
        """The number of raw images, of which some may turn out to be none."""
        return resources.number_of_images(Path(self.params["raw"])) if self.counted is None else self.counted

    @functools.cached_property
    def hashes(self) -> dict[str, str]:
        """The hash of each stage's plan, by stage."""
        return dict(self.told) or {stage: receipt.plan_hash(planned) for stage, planned in self.plans.items()}

    def receipt(self, stage: str) -> str:
        """Return the path of the receipt that the stage is to have."""
        return f"{self.root_of(stage)}/{stage}/{receipt.name(self.hashes[stage])}"

    def root_of(self, stage: str) -> str:
        """Return the folder that holds the stage's folder."""
        return self.shared.get(stage, self.root)

    def upstream(self, stage: str) -> list[str]:
        """Return the receipts of what the stage reads: of the stages above, in the order of dvc.yaml, or of others."""
        if stage in self.read:
            return list(self.read[stage])
        return [self.receipt(above) for above in self.plans[stage]["inputs"]]


def prepare(overrides: dict[str, Any]) -> Flow:
    """Return the main flow, its plans published, for params.yaml with overrides; raise HuskyError if any is bad."""
    check_workspace(Path.cwd())
    values = params.load(overrides=overrides)
    raw_files.check_place(Path(values["raw"]), [*stage_list.stages(), *stage_list.controls()])
    pairs.begin()
    corrections.begin()
    plans = plan.all_plans(values)
    for folder in (Path("data"), Path(".snakemake"), Path("logs")):
        if folder.exists() and not os.access(folder, os.W_OK):
            raise HuskyError(
                f"the folder {folder} is not writable. Make it writable, or work in a copy of the project elsewhere."
            )
    check_upstream(plans, os.environ.get("DVC_STAGE", ""))
    parts = plan.of_shards(plans, values["run"]["shards"])
    plan.publish(plans | parts)
    forget_damaged_notes()
    return Flow(values, plans, shards={name: receipt.plan_hash(part) for name, part in parts.items()})


def check_workspace(folder: Path) -> None:
    """Raise HuskyError for a folder whose path has braces: Snakemake takes them for wildcards, in `conda:` for one."""
    if set(str(folder)) & set("{}"):
        raise HuskyError(
            f"the path of this project has braces, which Snakemake takes for wildcards: {folder}. Rename the folder, "
            "or move the project to another one."
        )


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
    absent = [name for name in inputs if not Path(Flow({}, plans).receipt(name)).exists()]
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


def report(error: HuskyError) -> None:
    """Print an error as users see it; under DVC with the way back to before the command."""
    print(f"ERROR: {error}", *getattr(error, "__notes__", ()), sep="\n", file=sys.stderr)
    if os.environ.get("DVC_STAGE"):
        print("To go back to before this dvc command: git checkout params.yaml && dvc checkout", file=sys.stderr)


def let_sigterm_end_snakemake() -> None:
    """Have Snakemake's own answer to SIGTERM, which ends it after the running jobs, given by a thread of its own.

    It takes a lock that the interrupted code may be holding (JobScheduler.exit_gracefully, Snakemake 9.27): in the main
    thread it would then wait for itself, for ever.
    """
    end = signal.getsignal(signal.SIGTERM)
    if callable(end):
        signal.signal(signal.SIGTERM, lambda *given: threading.Thread(target=end, args=given).start())
