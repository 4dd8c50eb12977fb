"""job_flow: a job of a cluster finds the flow of its command, whatever has been edited since."""

import json
import os
from pathlib import Path

import pytest
from huskies.errors import HuskyError
from huskies.planning import job_flow, plan
from huskies.planning.flow import Flow

SPLIT = {"stage": "split", "params": {"split": {"seed": 1}}, "inputs": {}}
SHARDS = {"augment_1_of_2": "0123456789abcdef"}
FLOW = Flow({"raw": "photos", "split": {"seed": 1}}, {"split": SPLIT}, counted=1797, shards=SHARDS)


@pytest.fixture(autouse=True)
def _workspace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(job_flow.VARIABLE, "")
    monkeypatch.setattr(plan, "_check_policy", lambda planned: None)
    plan.publish(FLOW.plans)


def test_a_job_finds_parameters_plans_and_the_number_of_images():
    job_flow.publish(FLOW)
    found = job_flow.find()
    assert (found.params, found.plans, found.images) == (FLOW.params, FLOW.plans, 1797)
    assert found.receipt("split") == FLOW.receipt("split")
    assert found.shards == SHARDS


def test_two_commands_in_one_folder_keep_their_own(monkeypatch):
    job_flow.publish(FLOW)
    first = os.environ[job_flow.VARIABLE]
    job_flow.publish(Flow({"raw": "others"}, FLOW.plans, counted=3))
    monkeypatch.setenv(job_flow.VARIABLE, first)
    assert job_flow.find().params == FLOW.params


@pytest.mark.parametrize("named", ["", "0123456789abcdef", "../../params"])
def test_where_none_is_named_or_there_a_job_has_to_find_out_by_itself(monkeypatch, named):
    monkeypatch.setenv(job_flow.VARIABLE, named)
    assert job_flow.find() is None


def test_one_that_was_edited_is_not_believed():
    job_flow.publish(FLOW)
    [path] = plan.FOLDER.glob("flow-*.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), "images": 3}))
    assert job_flow.find() is None


def test_a_plan_that_is_gone_is_named():
    job_flow.publish(FLOW)
    name = f"{FLOW.hashes['split']}.json"
    (plan.FOLDER / name).unlink()
    with pytest.raises(HuskyError, match=name):
        job_flow.find()


def test_where_nothing_can_be_written_it_is_said(monkeypatch, tmp_path):
    monkeypatch.setattr(plan, "FOLDER", Path("file"))
    Path("file").touch()
    with pytest.raises(HuskyError, match="cannot write file/flow-"):
        job_flow.publish(FLOW)


@pytest.mark.long
def test_snakemake_in_a_job_goes_by_it_and_the_command_itself_does_not(clone):
    publish = "from huskies.planning import flow, job_flow; job_flow.publish(flow.prepare({}))"
    code = {"PYTHONPATH": "workflow"}
    assert clone.run("python", "-c", publish, variables=code).returncode == 0
    [path] = (clone.folder / plan.FOLDER).glob("flow-*.json")
    named = {job_flow.VARIABLE: path.stem.removeprefix("flow-")}
    # Whoever reads the parameters again ends with status 2.
    (clone.folder / "params.yaml").unlink()
    job = ("snakemake", "--cores", "1", "--mode", "remote", "--dry-run", "--", "split")
    done = clone.run(*job, variables=named)
    assert done.returncode == 0, done.stderr
    assert "split" in done.stdout + done.stderr
    assert clone.run(*job).returncode == 2
    assert clone.run(*(word for word in job if word not in ("--mode", "remote")), variables=named).returncode == 2
