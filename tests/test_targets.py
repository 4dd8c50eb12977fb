"""targets: what Snakemake would end with 0 without making is refused, and what was asked for is there at the end."""

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from conftest import do, stages_run
from huskies import receipt
from huskies.errors import HuskyError
from huskies.planning import stage_list, targets
from snakemake.settings.types import DAGSettings, RerunTrigger, StorageSettings
from snakemake_interface_executor_plugins.settings import SharedFSUsage

PLAN = {"stage": "metrics", "inputs": {}}
RECEIPT = f"data/metrics/{receipt.name(receipt.plan_hash(PLAN))}"


@pytest.fixture(autouse=True)
def workspace(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("data/metrics").mkdir(parents=True)
    Path("data/metrics/metrics.json").write_text("{}")
    receipt.write(Path("data/metrics"), PLAN)
    return tmp_path


class Rule:
    """A rule of Snakemake's, as far as it is looked at."""

    def __init__(self, name: str, output: list[str], reads: list[str] | None = None):
        self.name, self.output, self.input = name, list(map(IOFile, output)), list(map(IOFile, reads or []))

    def is_producer(self, file: str) -> bool:
        return file in self.output


class IOFile(str):
    """A file of a rule's: one in angle brackets stands for an input function."""

    def is_callable(self) -> bool:
        return self.startswith("<")


def asking(*names: str, touch: bool = False, **given: Any) -> SimpleNamespace:
    """Return Snakemake's workflow as it is before the graph of jobs, asked for these targets with these settings."""
    settings = DAGSettings(targets={*names}, **{"rerun_triggers": frozenset({RerunTrigger.MTIME}), **given})
    rules = [Rule("metrics", [RECEIPT]), Rule("audit", [])]
    return SimpleNamespace(dag_settings=settings, touch=touch, rules=rules)


@pytest.mark.parametrize("target", ["metrics", RECEIPT, f"./{RECEIPT}", "README.md", "data/metrics/none.json"])
def test_a_rule_a_receipt_and_what_snakemake_itself_looks_after_are_let_through(target):
    assert targets.refuse(asking(target)) is None


@pytest.mark.parametrize(
    ("given", "option"),
    [
        ({"forcerun": {"augment"}}, "--forcerun"),
        ({"forcetargets": True}, "--force"),
        ({"forceall": True}, "--forceall"),
        ({"touch": True}, "--touch"),
        ({"rerun_triggers": RerunTrigger.all()}, "--rerun-triggers"),
        ({"rerun_triggers": frozenset({RerunTrigger.CODE})}, "--rerun-triggers"),
    ],
)
def test_options_that_would_leave_a_result_out_are_refused_by_name(given, option):
    with pytest.raises(HuskyError) as error:
        targets.refuse(asking("metrics", **given))
    assert str(error.value).startswith(f"{option}: ")
    assert "Leave the option out." in str(error.value)


NOTHING_SHARED = frozenset({SharedFSUsage.PERSISTENCE})
BUCKET = {"default_storage_provider": "s3", "default_storage_prefix": "s3://x"}


def test_work_away_from_the_folder_of_the_project_is_refused_where_there_is_no_bucket():
    settings = StorageSettings(shared_fs_usage=NOTHING_SHARED)
    with pytest.raises(HuskyError, match=r"^--shared-fs-usage: .* Leave the option out, or give both\.$"):
        targets.refuse_no_folder(SimpleNamespace(storage_settings=settings))


@pytest.mark.parametrize("given", [None, {}, BUCKET, {**BUCKET, "shared_fs_usage": NOTHING_SHARED}])
def test_work_in_the_folder_of_the_project_or_with_a_bucket_is_let_through(given):
    settings = given if given is None else StorageSettings(**given)
    assert targets.refuse_no_folder(SimpleNamespace(storage_settings=settings)) is None


def test_what_is_collected_is_what_dvc_knows_and_what_is_asked_for_beside_with_all_above_it(in_project):
    plans = {name: {"inputs": stage_list.upstream(stage)} for name, stage in stage_list.stages().items()}
    tracked = list(stage_list.tracked())
    assert targets.to_collect(asking("collect"), plans) == tracked
    assert targets.to_collect(asking("collect", "gate", "test"), plans) == [*tracked, "test", "final", "gate"]


def test_a_target_that_stands_for_other_flows_is_refused_with_a_bucket():
    with pytest.raises(HuskyError, match=r"^noise: .*Leave --default-storage-provider out"):
        targets.refuse_families("noise")


@pytest.mark.parametrize("where", ["targets", "until", "omit_from"])
def test_a_file_of_a_stage_is_refused_since_it_may_be_of_other_parameters(where):
    stale = "data/metrics/metrics.json"
    asked = asking(stale) if where == "targets" else asking("metrics", **{where: {stale}})
    with pytest.raises(HuskyError) as error:
        targets.refuse(asked)
    assert str(error.value) == (
        "data/metrics/metrics.json may be of other parameters than those of now, and no rule makes it. Ask for the "
        "stage by its name, as in: snakemake --cores all metrics"
    )


def test_a_receipt_of_other_parameters_is_refused_though_it_is_there():
    Path("data/metrics/receipt-0123456789abcdef.json").write_text("{}")
    with pytest.raises(HuskyError, match=r"^data/metrics/receipt-0123456789abcdef\.json may be of other parameters"):
        targets.refuse(asking("data/metrics/receipt-0123456789abcdef.json"))


def test_a_target_that_there_is_no_longer_is_refused_with_what_takes_its_place():
    with pytest.raises(HuskyError) as error:
        targets.refuse_replaced("repeats")
    assert str(error.value) == (
        "there is no target 'repeats' any longer: cross-validation, a part of metrics, has narrower intervals from the "
        "same images (docs/cross_validation.md): snakemake --cores all metrics. For other validation images, set "
        "split.repeat."
    )


def test_what_is_asked_for_is_what_a_rule_makes_or_else_what_it_reads():
    workflow = asking("metrics", "all", "data/noise/receipt.json")
    workflow.rules += [Rule("all", [], ["data/report.html", "<function>"]), Rule("split", ["data/split"])]
    assert targets.asked(workflow) == {RECEIPT, "data/report.html", "data/noise/receipt.json"}
    workflow.dag_settings.targets.clear()
    workflow.default_target = "split"
    assert targets.asked(workflow) == {"data/split"}


def test_what_was_asked_for_is_what_the_last_jobs_make_or_else_read():
    jobs = [SimpleNamespace(output=["a"], input=["b"]), SimpleNamespace(output=[], input=["c", "d"])]
    assert targets.made(SimpleNamespace(dag=SimpleNamespace(targetjobs=jobs))) == {"a", "c", "d"}


def test_what_is_there_and_sound_passes():
    assert targets.check([RECEIPT]) is None
    assert targets.check([]) is None


def test_a_receipt_that_was_asked_for_and_is_not_there_is_named():
    shutil.rmtree("data/metrics")
    with pytest.raises(HuskyError) as error:
        targets.check([RECEIPT])
    assert str(error.value) == (
        f"not made, though it was asked for: {RECEIPT}. Another run may have replaced it meanwhile. "
        "Run the same command again."
    )


@pytest.mark.parametrize("harm", ["changed", "missing", "foreign"])
def test_a_damaged_result_is_named_with_the_command_that_mends_it(harm):
    targets.check([RECEIPT])
    name = "metrics.json"
    if harm == "changed":
        Path("data/metrics/metrics.json").write_text('{"val_accuracy": 1}')
    elif harm == "missing":
        Path("data/metrics/metrics.json").unlink()
    else:
        name = "notes.txt"
        Path("data/metrics/notes.txt").write_text("mine")
    with pytest.raises(HuskyError) as error:
        targets.check([RECEIPT])
    assert str(error.value) == (
        f"data/metrics is not as its receipt says: {name}. Delete the folder and run the same command again: "
        "rm -rf data/metrics"
    )


@pytest.mark.long
@pytest.mark.parametrize("options", [["--touch"], ["--rerun-triggers", "code", "params"]])
def test_options_that_would_leave_a_result_out_end_snakemake_with_status_two(built, options):
    built.set(aug__factor=3)
    before = built.bytes_of("augment", "metrics")
    done = built.run("snakemake", "--cores", "2", *options, "--", "metrics")
    assert done.returncode == 2
    assert f"ERROR: {options[0]}: " in done.stderr
    assert built.bytes_of("augment", "metrics") == before


@pytest.mark.long
def test_a_part_of_the_flow_is_made_as_far_as_it_was_asked_for(built):
    built.set(aug__factor=3)
    assert stages_run(do(built, "snakemake", "--cores", "2", "--until", "augment", "--", "metrics")) == ["augment"]
    said = do(built, "snakemake", "--cores", "2", "--omit-from", "train_augmented", "--", "metrics")
    assert stages_run(said) == ["bottlenecks_augmented", "cross_validation"]


@pytest.mark.long
def test_a_damaged_result_is_no_answer(built):
    path = built.folder / "data/metrics/metrics.json"
    path.write_text(path.read_text().replace('"leaks": 0', '"leaks": 1'))
    done = built.run("snakemake", "--cores", "2", "metrics")
    assert done.returncode == 2
    assert "ERROR: data/metrics is not as its receipt says: metrics.json." in done.stderr
    said = do(built, "python", "-m", "huskies", "record")
    assert (
        "left out: metrics (data/metrics is not as its receipt says: metrics.json. Delete it to build it anew)" in said
    )
    shutil.rmtree(built.folder / "data/metrics")
    do(built, "snakemake", "--cores", "2", "metrics")
    assert do(built, "dvc", "status").strip() == "Data and pipelines are up to date."
