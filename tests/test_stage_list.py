"""stage_list: what the two lists say of each stage, and which module it is."""

from pathlib import Path

import pytest
from huskies import imports
from huskies.planning import stage_list

DVC = """
stages:
  convert:
    deps: ["${raw}", workflow/huskies/steps/convert.py, workflow/huskies/page/page.css]
  split:
    deps: [data/convert, data/group]
metrics: [data/metrics/summary.json]
plots:
  - accuracy: {y: {data/train/history.csv: val_accuracy}, x: step}
  - data/train/validation.csv: {x: predicted}
"""
MORE = "on_request: {test: {deps: [data/split]}}\ncontrols: {leakage: {}}\n"


@pytest.fixture
def workspace(tmp_path) -> Path:
    (tmp_path / "workflow").mkdir()
    (tmp_path / stage_list.TRACKED).write_text(DVC)
    (tmp_path / stage_list.UNTRACKED).write_text(MORE)
    return tmp_path


def test_dvc_knows_all_stages_but_those_on_request(workspace):
    assert list(stage_list.tracked(workspace)) == ["convert", "split"]
    assert list(stage_list.stages(workspace)) == ["convert", "split", "test"]
    assert list(stage_list.controls(workspace)) == ["leakage"]


def test_folders_code_and_other_files_are_told_apart(workspace):
    convert, split, test = stage_list.stages(workspace).values()
    assert [stage_list.upstream(each) for each in (convert, split, test)] == [[], ["convert", "group"], ["split"]]
    assert stage_list.listed_code(convert) == ["workflow/huskies/steps/convert.py"]


def test_what_dvc_shows_are_the_files_of_metrics_and_plots(workspace):
    expected = ["data/metrics/summary.json", "data/train/history.csv", "data/train/validation.csv"]
    assert stage_list.shown(workspace) == expected


def test_a_stage_is_the_module_of_its_name_in_whichever_room_and_stages_of_one_kind_share_one(tmp_path):
    for file in ("steps/train.py", "steps/bottlenecks.py", "steps/test.py", "controls/leakage.py"):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).touch()
    package = imports.Package(tmp_path)
    found = [stage_list.module_of(each, package) for each in ("train_baseline", "bottlenecks_test", "leakage", "test")]
    assert found == ["steps.train", "steps.bottlenecks", "controls.leakage", "steps.test"]
