"""setting_flows: a setting is the user's flow with other parameters, and what comes of equal plans is made once."""

import pytest
from conftest import BELOW_AUGMENT, PROJECT
from huskies.errors import HuskyError
from huskies.experiments import setting_flows, setting_table
from huskies.images import raw_files
from huskies.planning import params, plan, stage_list
from huskies.planning.flow import Flow, prepare

ROOT = setting_flows.ROOT
EVERY = [*stage_list.tracked(PROJECT)]


@pytest.fixture(autouse=True)
def write(monkeypatch, tmp_path):
    """The project, by links, with a table of its own as the current folder; return what writes another table."""
    workspace = tmp_path / "project"
    workspace.mkdir()
    for path in PROJECT.iterdir():
        if path.name != setting_table.PATH.name:
            (workspace / path.name).symlink_to(path)
    monkeypatch.chdir(workspace)
    monkeypatch.setattr(plan, "FOLDER", tmp_path / "plans")
    setting_table.PATH.write_text("aug.factor,train.l2\n5,\n2,\n2,0.1\n")
    return setting_table.PATH.write_text


def flows(overrides: dict | None = None) -> dict[str, Flow]:
    """Return the flow of each setting by its name."""
    found = setting_flows.flows(prepare(overrides or {}), overrides or {})
    return {setting.name: flow for setting, flow in found}


def test_a_setting_has_the_very_plans_of_a_run_with_its_parameters():
    flow = flows()["aug.factor=2, train.l2=0.1"]
    own = plan.all_plans(params.load(overrides={"aug": {"factor": 2}, "train": {"l2": 0.1}}))
    assert flow.plans == {stage: own[stage] for stage in EVERY}


def test_what_the_present_parameters_call_for_too_lies_in_data_and_the_rest_by_the_hash_of_its_plan():
    same, copies, both = flows().values()
    assert same.shared == {}
    assert list(copies.shared) == BELOW_AUGMENT
    assert set(both.shared) == {*BELOW_AUGMENT, "train_baseline"}
    for flow in (copies, both):
        for stage, root in flow.shared.items():
            assert root == f"{ROOT}/{flow.hashes[stage]}"
            assert flow.receipt(stage) == f"{root}/{stage}/receipt-{flow.hashes[stage]}.json"


def test_a_stage_of_one_plan_has_one_place_whichever_settings_share_it(write):
    before = flows()
    receipts = [flow.receipt(stage) for flow in before.values() for stage in flow.plans]
    assert len({each.rpartition("/")[2] for each in receipts}) == len(set(receipts))
    assert before["aug.factor=2"].receipt("augment") == before["aug.factor=2, train.l2=0.1"].receipt("augment")
    write("name,aug.factor,train.l2\nother,3,\nlast,2,0.1\n")
    assert flows()["last"].shared == before["aug.factor=2, train.l2=0.1"].shared


def test_another_set_of_validation_images_shares_what_comes_before_the_split(write):
    write("split.repeat\n1\n")
    [flow] = flows().values()
    assert [stage for stage in EVERY if stage not in flow.shared] == ["convert", "group"]


def test_the_summary_waits_for_the_numbers_and_the_page_of_each():
    main = prepare({})
    *settings, summary = setting_flows.make(main, {})
    assert summary.receipt("experiments").startswith("data/experiments/receipt-")
    assert summary.upstream("experiments") == [flow.receipt(stage) for flow in settings for stage in setting_flows.READ]
    assert list(summary.plans["experiments"]["inputs"])[:2] == ["aug.factor=5/metrics", "aug.factor=5/cross_validation"]


def test_the_command_line_counts_where_a_cell_does_not():
    found = flows({"train": {"steps": "7", "l2": "0.5"}, "aug": "{factor: 9}"})
    last = found["aug.factor=2, train.l2=0.1"].params
    assert (last["train"]["steps"], last["train"]["l2"], last["aug"]["factor"]) == (7, 0.1, 2)
    assert found["aug.factor=2"].params["train"]["l2"] == 0.5


def test_the_raw_images_are_looked_at_once(monkeypatch):
    main = prepare({})
    monkeypatch.setattr(raw_files, "raw_digest", lambda raw: pytest.fail("looked at again"))
    assert len(setting_flows.flows(main, {})) == 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "name,aug.factor\na,2\nb,3\nc,02\n",
            "experiments.csv, line 4: 'c' makes the same as 'a' in line 2. Delete one, or change what it sets: an "
            "empty cell is what params.yaml has.",
        ),
        (
            "backbone.weights\nnone.weights.h5\n",
            "experiments.csv, line 2: there is no file backbones/none.weights.h5. Put it there, or choose another "
            "backbone.weights in params.yaml.",
        ),
        (
            "aug.policy.0.transform\nAffin\n",
            "experiments.csv, line 2: aug.policy.0: there is no transform 'Affin'. Did you mean 'Affine'?",
        ),
    ],
)
def test_what_only_the_plan_finds_is_named_with_its_line(write, text, said):
    write(text)
    with pytest.raises(HuskyError) as error:
        flows()
    assert str(error.value) == said
