"""Snakemake and DVC agree: going back costs nothing by either, and only what is true is recorded."""

import json
import re

import pytest
from conftest import BELOW_AUGMENT, Clone, do, stages_run
from ruamel.yaml import YAML

SNAKEMAKE = ["snakemake", "--cores", "2", "report"]


def locked(clone: Clone, stage: str) -> dict:
    """Return what dvc.lock says of a stage."""
    return YAML(typ="safe").load((clone.folder / "dvc.lock").read_text(encoding="utf-8"))["stages"][stage]


@pytest.mark.long
def test_going_back_runs_nothing_through_dvc(built):
    before = built.bytes_of("metrics", "augment")
    built.set(aug__factor=3)
    assert stages_run(do(built, *SNAKEMAKE)) == BELOW_AUGMENT
    built.set(aug__factor=2)
    said = do(built, "dvc", "repro")
    assert "Running stage" not in said
    assert built.bytes_of("metrics", "augment") == before
    assert stages_run(do(built, *SNAKEMAKE)) == []


@pytest.mark.long
def test_going_back_computes_no_bottlenecks_through_snakemake(built):
    # As a teammate who pulled: the store is empty.
    assert not list((built.folder.parent / "cache").rglob("*.sqlite"))
    before = built.bytes_of("bottlenecks_augmented")
    command = ["snakemake", "--cores", "2", "bottlenecks_augmented"]
    built.set(aug__factor=1)
    do(built, *command)
    built.set(aug__factor=2)
    assert re.findall(r"^bottlenecks_\w+: computed (\d+)", do(built, *command), re.MULTILINE) == ["0"]
    assert built.bytes_of("bottlenecks_augmented") == before


@pytest.mark.long
def test_a_queued_experiment_runs_the_code_that_it_was_queued_with(built):
    do(built, "git", "add", "--all")
    do(built, "git", "commit", "--quiet", "--message", "Built")
    do(built, "dvc", "exp", "run", "--queue", "--name", "queued", "-S", "aug.factor=3")
    with open(built.folder / "workflow/huskies/steps/augment.py", "a", encoding="utf-8") as file:
        file.write('\nraise RuntimeError("the workspace has moved on")\n')
    do(built, "dvc", "exp", "run", "--run-all")
    do(built, "dvc", "get", ".", "data/metrics/metrics.json", "--rev", "queued", "--out", "../queued.json")
    metrics = json.loads((built.folder.parent / "queued.json").read_text())
    assert metrics["augmented"]["images"] == 4 * metrics["baseline"]["images"]
    now = built.run(*SNAKEMAKE)
    assert now.returncode != 0
    assert "the workspace has moved on" in now.stderr


@pytest.mark.long
def test_a_run_with_overridden_parameters_is_never_recorded(built):
    recorded = (built.folder / "dvc.lock").read_text()
    experiments = do(built, "dvc", "exp", "list", "--name-only")
    ran = do(built, *SNAKEMAKE, "--config", "aug={factor: 3}")
    assert stages_run(ran) == BELOW_AUGMENT
    do(built, "python", "-m", "huskies", "record")
    assert (built.folder / "dvc.lock").read_text() == recorded
    assert do(built, "dvc", "exp", "list", "--name-only") == experiments
    status = do(built, "dvc", "status")
    assert re.search(r"modified:\s+data/augment$", status, re.MULTILINE)
    assert re.search(r"modified:\s+data/metrics$", status, re.MULTILINE)


@pytest.mark.long
def test_record_certifies_nothing_below_what_was_run(built):
    before = {stage: locked(built, stage) for stage in BELOW_AUGMENT}
    built.set(aug__factor=3)
    do(built, "snakemake", "--cores", "2", "split")
    said = do(built, "python", "-m", "huskies", "record")
    recorded, _, out = said.partition("; left out: ")
    assert not any(re.search(rf"\b{stage}\b", recorded) for stage in BELOW_AUGMENT)
    assert all(re.search(rf"\b{stage}\b", out) for stage in BELOW_AUGMENT)
    assert {stage: locked(built, stage) for stage in BELOW_AUGMENT} == before
    assert re.search(r"^augment:", do(built, "dvc", "status"), re.MULTILINE)
    assert stages_run(do(built, "snakemake", "--cores", "2", "augment")) == ["augment"]
