"""What the Snakefile does before any job: what it refuses under DVC, and how it ends."""

import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from conftest import PROJECT
from huskies import receipt
from huskies.errors import HuskyError
from huskies.planning import flow

Plans = dict[str, dict[str, Any]]


def made_by_hand(quality: int = 95, seed: int = 1, factor: int = 5) -> Plans:
    """Return the plans of four stages: convert, split below it, augment below split, and leaks below both."""
    plans: Plans = {}
    for name, params, above in (
        ("convert", {"quality": quality}, []),
        ("split", {"seed": seed, "validation": 0.2}, ["convert"]),
        ("augment", {"factor": factor}, ["split"]),
        ("leaks", {}, ["split", "augment"]),
    ):
        plans[name] = {
            "stage": name,
            "params": {name: params},
            "code": {f"workflow/huskies/{name}.py": "0"},
            "libraries": {},
            "files": {},
            "inputs": {each: receipt.plan_hash(plans[each]) for each in above},
            "raw": None,
        }
    return plans


@pytest.fixture(autouse=True)
def workspace(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def build(plans: Plans, *names: str) -> None:
    for name in names:
        Path("data", name).mkdir(parents=True, exist_ok=True)
        for old in Path("data", name).glob("receipt-*"):
            old.unlink()
        receipt.write(Path("data", name), plans[name])


def refusal(plans: Plans, stage: str) -> str:
    with pytest.raises(HuskyError) as error:
        flow.check_upstream(plans, stage)
    return str(error.value)


@pytest.mark.parametrize("stage", ["convert", "split", "augment", "leaks"])
def test_a_stage_whose_inputs_follow_from_their_plans_is_let_through(stage):
    plans = made_by_hand()
    build(plans, "convert", "split", "augment")
    assert flow.check_upstream(plans, stage) is None


@pytest.mark.parametrize("stage", ["", "of somebody else"])
def test_outside_dvc_and_in_stages_of_others_nothing_is_asked_for(stage):
    assert flow.check_upstream(made_by_hand(), stage) is None


def test_only_what_the_stage_itself_reads_has_to_be_there():
    plans = made_by_hand()
    build(plans, "split", "augment")
    assert flow.check_upstream(plans, "leaks") is None


@pytest.mark.parametrize(
    ("built", "stage", "absent"),
    [
        ([], "split", "convert"),
        (["convert"], "augment", "split"),
        (["convert"], "leaks", "split"),
        (["convert", "split"], "leaks", "augment"),
    ],
)
def test_what_is_not_checked_out_is_named_with_the_command_that_gets_it(built, stage, absent):
    plans = made_by_hand()
    build(plans, *built)
    assert refusal(plans, stage) == (
        f"{stage} needs data/{absent}, which is not there. Get it: dvc checkout, or dvc pull"
    )


def test_a_stale_input_is_named_with_the_reason():
    build(made_by_hand(seed=2), "convert", "split")
    assert refusal(made_by_hand(), "augment") == (
        "data/split is stale, which DVC did not see: split.seed was 2 and is 1. Fix and record it, "
        "then run the same dvc command again: snakemake --cores all metrics"
    )


def test_the_first_stale_stage_of_the_flow_is_named_and_not_what_follows_from_it():
    build(made_by_hand(quality=90), "convert", "split", "augment")
    assert refusal(made_by_hand(), "leaks") == (
        "data/convert is stale, which DVC did not see: convert.quality was 90 and is 95. "
        "Fix and record it, "
        "then run the same dvc command again: snakemake --cores all metrics"
    )


def test_a_stage_above_that_is_stale_and_another_that_is_fresh_are_told_apart():
    build(made_by_hand(), "convert", "split")
    build(made_by_hand(factor=2), "augment")
    assert refusal(made_by_hand(), "leaks") == (
        "data/augment is stale, which DVC did not see: augment.factor was 2 and is 5. Fix and record it, "
        "then run the same dvc command again: snakemake --cores all metrics"
    )


def test_more_than_five_reasons_are_counted():
    plans = made_by_hand()
    build(plans, "convert")
    now = made_by_hand()
    now["convert"]["code"] = {f"workflow/huskies/{letter}.py": "1" for letter in "abcdefg"}
    now["split"]["inputs"]["convert"] = receipt.plan_hash(now["convert"])
    assert refusal(now, "split") == (
        "data/convert is stale, which DVC did not see: workflow/huskies/a.py was edited, workflow/huskies/b.py was "
        "edited, workflow/huskies/c.py was edited, workflow/huskies/convert.py was edited, workflow/huskies/d.py was "
        "edited and 3 more. Fix and record it, "
        "then run the same dvc command again: snakemake --cores all metrics"
    )


def test_a_folder_without_a_sound_receipt_is_as_good_as_absent():
    plans = made_by_hand()
    build(plans, "convert", "split")
    Path(flow.Flow({}, plans).receipt("split")).rename("data/split/receipt-0000000000000000.json")
    assert refusal(plans, "augment") == (
        "augment needs data/split, which is not there. Get it: dvc checkout, or dvc pull"
    )


def test_workspace_and_environment_come_first_on_the_paths_of_the_jobs(workspace, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    monkeypatch.setenv("PATH", "programs")
    flow.put_first()
    assert os.environ["PYTHONPATH"] == f"{workspace.resolve()}/workflow:elsewhere"
    assert os.environ["PATH"] == f"{Path(sys.executable).parent}:programs"
    monkeypatch.delenv("PYTHONPATH")
    flow.put_first()
    assert os.environ["PYTHONPATH"] == f"{workspace.resolve()}/workflow"


@pytest.mark.parametrize("stage", ["", "augment"])
def test_an_error_is_reported_in_one_line_and_under_dvc_with_the_way_back(capsys, monkeypatch, stage):
    monkeypatch.setenv("DVC_STAGE", stage)
    flow.report(HuskyError("something is wrong."))
    back = "To go back to before this dvc command: git checkout params.yaml && dvc checkout\n" if stage else ""
    assert capsys.readouterr().err == f"ERROR: something is wrong.\n{back}"


def test_bad_parameters_end_snakemake_with_status_two(workspace, capsys, monkeypatch):
    monkeypatch.delenv("DVC_STAGE", raising=False)
    monkeypatch.setenv("PYTHONPATH", "")
    monkeypatch.setenv("PATH", os.environ["PATH"])
    with pytest.raises(SystemExit) as ended:
        flow.or_exit(flow.prepare, {})
    assert ended.value.code == 2
    assert re.fullmatch(r"ERROR: there is no params\.yaml\. .*\n", capsys.readouterr().err)


def test_reading_the_snakefile_imports_nothing_of_pixels_and_arrays():
    program = (
        "import sys\nfrom huskies.article import families\nfrom huskies.planning import command, flow\n"
        "print({'numpy', 'pandas', 'PIL', 'cv2', 'tensorflow'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONPATH": str(PROJECT / "workflow")}, capture_output=True, text=True
    )
    assert done.stdout == "set()\n"


def test_a_note_of_snakemake_that_cannot_be_decoded_is_deleted_and_no_other(workspace):
    folder = workspace / ".snakemake/metadata"
    (folder / "long names").mkdir(parents=True)
    for name, content in (
        ("a", b'{"rule": "leaks"}'),
        ("b", b'{"rule": "lea\xebks"}'),
        ("long names/c", b"{"),
        ("d", b""),
    ):
        (folder / name).write_bytes(content)
    flow.forget_damaged_notes()
    assert sorted(path.name for path in folder.rglob("*") if path.is_file()) == ["a", "c", "d"]
    flow.forget_damaged_notes(workspace / "nowhere")


def test_sigterm_while_snakemake_holds_its_lock_ends_it_once_the_lock_is_free():
    lock, ended = threading.Lock(), threading.Event()

    def exit_gracefully(*given: Any) -> None:
        with lock:
            ended.set()

    before = signal.signal(signal.SIGTERM, exit_gracefully)
    try:
        flow.let_sigterm_end_snakemake()
        with lock:
            os.kill(os.getpid(), signal.SIGTERM)
            assert not ended.wait(0.1)
        assert ended.wait(10)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        flow.let_sigterm_end_snakemake()
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    finally:
        signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize("name", ["my {clone}", "a}b", "{{x}}"])
def test_a_project_in_a_path_with_braces_is_refused_with_the_fix(name):
    with pytest.raises(HuskyError) as error:
        flow.check_workspace(Path("/home") / name)
    assert str(error.value) == (
        f"the path of this project has braces, which Snakemake takes for wildcards: /home/{name}. Rename the folder, "
        "or move the project to another one."
    )
    flow.check_workspace(Path("/home/my (clone)"))
