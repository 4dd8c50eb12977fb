"""command: what is refused before anything is made, and what is done when all is there."""

import json
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import pytest
from huskies.backbone import common_engine
from huskies.errors import HuskyError
from huskies.planning import command, record, targets
from huskies.planning.flow import Flow

SETTLED = {"engine": "openvino", "precision": "float32"}
PLANS = {name: {"stage": name, "inputs": {}, "params": {}} for name in ("metrics", "report")}
FLOW = Flow({"backbone": SETTLED}, PLANS)


@pytest.fixture(autouse=True)
def calls(tmp_path, monkeypatch) -> list[str]:
    """What is called, in order, in a workspace in which DVC has to be told of something."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DVC_STAGE", raising=False)
    said: list[str] = []
    monkeypatch.setattr(targets, "refuse", lambda workflow: said.append("refuse"))
    monkeypatch.setattr(targets, "asked", lambda workflow: workflow.asked)
    monkeypatch.setattr(targets, "check", lambda files: said.append(f"check {' '.join(sorted(files))}"))
    monkeypatch.setattr(command.stage_folder, "clear", lambda folder: said.append("clear"))
    monkeypatch.setattr(command.sharding, "clear", lambda flow: None)
    monkeypatch.setattr(record, "needed", lambda plans: True)
    monkeypatch.setattr(command, "shell", lambda text: said.append(text))
    return said


def workflow(*asked: str, **given) -> SimpleNamespace:
    """Return Snakemake's workflow before its graph of jobs, of a run that asks for these files."""
    settings = {"is_main_process": True, "execution_settings": object(), "dryrun": False, "touch": False}
    settings |= {"local_exec": True}
    config = SimpleNamespace(overwrite_config=given.pop("config", {}))
    storage = SimpleNamespace(default_storage_provider=given.pop("bucket", None))
    return SimpleNamespace(asked={*asked}, config_settings=config, storage_settings=storage, **{**settings, **given})


class Log(str):
    """A log as Snakemake has it, which lies in a bucket where the command has one."""

    is_storage = False

    def retrieve_from_storage(self) -> str:
        return self


class Rule(NamedTuple):
    """A rule of Snakemake's, as far as it is looked at."""

    name: str


class Logged(NamedTuple):
    """A job of Snakemake's, as far as it is looked at."""

    log: tuple[Log, ...]
    rule: Rule
    is_local: bool = False


def logged(*names: str, **given) -> tuple[list[Logged], SimpleNamespace]:
    """Return jobs that have logs of these names, and Snakemake's graph of them."""
    jobs = [Logged((Log(f"{name}.log"),), Rule(name), **given) for name in names]
    graph = SimpleNamespace(
        needrun_jobs=lambda exclude_finished: jobs[::-1], toposorted=lambda found: [jobs[:2], jobs[2:]]
    )
    return jobs, graph


TELL, KEEP = "python -m huskies record", "python -m huskies keep_settings"


def test_where_all_is_there_it_is_checked_and_told_to_dvc_though_nothing_is_made(calls):
    Path("made").touch()
    command.begin(workflow("made"), FLOW)
    assert calls == ["refuse", "check made", "clear", TELL]


def test_where_something_is_to_be_made_it_is_left_to_the_end(calls):
    Path("made").touch()
    command.begin(workflow("made", "to be made"), FLOW)
    command.begin(workflow("made"), FLOW, ["asked for by a function"])
    command.begin(workflow(), FLOW)
    assert calls == ["refuse"] * 3


@pytest.mark.parametrize("how", [{"execution_settings": None}, {"dryrun": True}, {"touch": True}])
def test_nothing_is_touched_where_snakemake_draws_or_pretends(calls, how):
    Path("made").touch()
    command.begin(workflow("made", **how), FLOW)
    assert calls == ["refuse"]


def test_a_job_of_snakemake_does_nothing_of_it(calls):
    command.begin(workflow("made", is_main_process=False), FLOW)
    assert calls == []


def test_dvc_is_told_nothing_of_overridden_parameters_nor_by_its_own_jobs(calls, monkeypatch):
    command.end(workflow(config={"aug": {"factor": 3}}), FLOW, ["made"])
    monkeypatch.setenv("DVC_STAGE", "metrics")
    command.end(workflow(), FLOW, ["made"])
    assert calls == ["check made", "clear"] * 2


def test_dvc_is_told_of_settings_where_they_were_asked_for(calls, monkeypatch):
    compared = "data/experiments/receipt-0.json"
    command.end(workflow(), FLOW, [compared])
    monkeypatch.setattr(record, "needed", lambda plans: False)
    command.end(workflow(), FLOW, [compared])
    command.end(workflow(config={"aug": {"factor": 3}}), FLOW, [compared])
    before = [f"check {compared}", "clear"]
    assert calls == [*before, TELL, KEEP, *before, KEEP, *before]


def test_dvc_is_told_nothing_that_it_knows(calls, monkeypatch):
    monkeypatch.setattr(record, "needed", lambda plans: False)
    command.end(workflow(), FLOW, ["made"])
    assert calls == ["check made", "clear"]


def test_what_is_damaged_is_not_told(calls, monkeypatch):
    def refuse(files):
        raise HuskyError("damaged")

    monkeypatch.setattr(targets, "check", refuse)
    with pytest.raises(HuskyError, match="damaged"):
        command.end(workflow(), FLOW, ["made"])
    assert calls == []


@pytest.mark.parametrize("page", [True, False])
def test_the_last_line_after_the_numbers_says_how_to_get_the_page_that_is_not_there(capsys, page):
    if page:
        Path("data/report").mkdir(parents=True)
        Path(FLOW.receipt("report")).touch()
    command.end(workflow(), FLOW, [FLOW.receipt("metrics")])
    line = "the page, and an experiment of this run for dvc exp show: snakemake --cores all report\n"
    assert capsys.readouterr().err == ("" if page else line)
    command.end(workflow(), FLOW, [FLOW.receipt("report")])
    assert capsys.readouterr().err == ""


def test_jobs_of_other_machines_are_given_the_flow_before_they_begin(calls, monkeypatch):
    monkeypatch.setattr(command.job_flow, "publish", lambda flow: calls.append("publish"))
    command.begin(workflow("to be made", local_exec=False), FLOW)
    command.begin(workflow("to be made", local_exec=False, dryrun=True), FLOW)
    command.begin(workflow("to be made"), FLOW)
    assert calls == ["refuse", "publish", "refuse", "refuse"]


@pytest.mark.parametrize("bucket", [None, "s3"])
def test_what_auto_stands_for_is_settled_here_before_jobs_of_other_machines_are_told_anything(monkeypatch, bucket):
    monkeypatch.setenv(common_engine.VARIABLE, "")
    backbone = {"engine": "auto", "precision": "auto", "name": "Some"}
    asked, told = [], []

    def settle(arguments: list[str], **given) -> subprocess.CompletedProcess:
        asked.append(arguments[3:])
        return subprocess.CompletedProcess(arguments, 0, json.dumps(SETTLED), "")

    monkeypatch.setattr(command.subprocess, "run", settle)
    for module, teller in ((command.job_flow, "publish"), (command.packs, "tell")):
        monkeypatch.setattr(module, teller, lambda flow: told.append(common_engine.heard(backbone)))
    flow = Flow({"backbone": backbone}, FLOW.plans)
    command.begin(workflow("to be made", bucket=bucket), flow)
    assert told == asked == []
    command.begin(workflow("to be made", bucket=bucket, local_exec=False), flow)
    assert told == [SETTLED]
    assert asked == [["settle_engine", "--backbone", json.dumps(backbone)]]
    for named in ({"precision": "int8"}, SETTLED):
        command.begin(workflow(bucket=bucket, local_exec=False), Flow({"backbone": {**backbone, **named}}, FLOW.plans))
    assert len(asked) == 1


def test_nothing_is_settled_for_what_follows_from_no_bottlenecks_or_is_there(monkeypatch):
    monkeypatch.setattr(command.job_flow, "publish", lambda flow: None)
    asked = []
    monkeypatch.setattr(command, "_settle_engine", asked.append)
    plans = {
        "split": {"stage": "split", "inputs": {}, "params": {"split": {}}},
        "bottlenecks_test": {"stage": "bottlenecks_test", "inputs": {"split": ""}, "params": {"backbone": {}}},
        "test": {"stage": "test", "inputs": {"bottlenecks_test": ""}, "params": {}},
    }
    flow = Flow({"backbone": {}}, plans)
    command.begin(workflow(flow.receipt("split"), local_exec=False), flow)
    assert asked == []
    for needed in ([flow.receipt("split"), flow.receipt("test")], ["data/experiments/another"], []):
        command.begin(workflow(*needed, local_exec=False), flow)
        assert asked.pop() == {}
    Path(flow.receipt("test")).parent.mkdir(parents=True)
    Path(flow.receipt("test")).touch()
    monkeypatch.setattr(command, "end", lambda *_: None)
    command.begin(workflow(flow.receipt("test"), local_exec=False), flow)
    assert asked == []


def test_an_engine_that_this_machine_cannot_settle_stops_the_command(monkeypatch):
    refused = subprocess.CompletedProcess([], 2, "", "ERROR: backbone.engine: OpenVINO failed: no memory\n")
    monkeypatch.setattr(command.subprocess, "run", lambda *_, **__: refused)
    flow = Flow({"backbone": {"engine": "auto", "precision": "auto"}}, FLOW.plans)
    with pytest.raises(HuskyError, match=r"^backbone\.engine: OpenVINO failed: no memory$"):
        command.begin(workflow("to be made", local_exec=False), flow)


@pytest.mark.parametrize("option", ["", "localflock"])
def test_locks_that_other_machines_do_not_see_are_spoken_of_where_there_are_other_machines(monkeypatch, capsys, option):
    monkeypatch.setattr(command.job_flow, "publish", lambda flow: None)
    monkeypatch.setattr(command.file_systems, "locks_of_one_machine", lambda path: option)
    command.begin(workflow("to be made"), FLOW)
    assert capsys.readouterr().err == ""
    command.begin(workflow("to be made", local_exec=False), FLOW)
    assert capsys.readouterr().err == (
        "the file system of this project is mounted with localflock, so that locks hold on one machine only: start no "
        "second run in this folder from another one before this ends.\n"
        if option
        else ""
    )


@pytest.mark.parametrize("local", [True, False])
def test_what_stages_said_on_other_machines_is_heard_at_the_end_in_their_order(calls, capsys, monkeypatch, local):
    for name in ("metrics", "split"):
        Path(f"{name}.log").write_text(f"{name}: done\n")
    _, graph = logged("split", "lost", "metrics")
    monkeypatch.setattr(targets, "made", lambda workflow: {"made"})
    command.end_of_jobs(workflow(local_exec=local, dag=graph), FLOW)
    assert capsys.readouterr().err == ("" if local else "split: done\nmetrics: done\n")
    assert calls == ["check made", "clear", TELL]


def test_with_a_bucket_snakemake_itself_sees_what_is_there(calls, monkeypatch):
    monkeypatch.setattr(command.packs, "tell", lambda flow: calls.append("tell"))
    Path("made").touch()
    command.begin(workflow("made", bucket="s3", local_exec=False), FLOW)
    assert calls == ["refuse", "tell"]


def test_logs_are_fetched_from_a_bucket_and_what_the_command_made_itself_was_heard(calls, capsys, monkeypatch):
    monkeypatch.setattr(Log, "is_storage", True)
    for local in (True, False):
        _, graph = logged("split", is_local=local)
        fetch = {"dag": graph, "async_run": lambda log: Path(log).write_text("split: done\n")}
        command.end_of_jobs(workflow(local_exec=False, bucket="s3", **fetch), FLOW)
        assert capsys.readouterr().err == ("" if local else "split: done\n")
    assert calls == []


def test_dvc_is_told_of_what_was_collected(calls, monkeypatch):
    monkeypatch.setattr(command.stage_list, "tracked", lambda: ["metrics", "report"])
    _, graph = logged("split", "collect", is_local=True)
    command.end_of_jobs(workflow(local_exec=False, bucket="s3", dag=graph), FLOW)
    assert calls == [f"check {FLOW.receipt('metrics')} {FLOW.receipt('report')}", "clear", TELL]
