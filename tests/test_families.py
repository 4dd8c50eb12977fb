"""families: the flows with other parameters are planned when they are asked for, and each is found by its place."""

import dataclasses

import pytest
from conftest import PROJECT
from huskies.article import families
from huskies.errors import HuskyError
from huskies.experiments import setting_flows, setting_table
from huskies.planning import plan
from huskies.planning.flow import prepare


@pytest.fixture(scope="module")
def planned(tmp_path_factory):
    """All families of a flow without flowers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(PROJECT)
        patch.setattr(plan, "FOLDER", tmp_path_factory.mktemp("plans"))
        overrides = {"article": {"flowers": "data/nowhere"}}
        yield families.Families(prepare(overrides), overrides, lambda: False)


def made_at(planned: families.Families, receipt: str) -> str:
    """Return the root of the flow that makes a receipt, asked as its rule asks."""
    _, *place, stage, name = receipt.split("/")
    return planned.making("/".join(place) or stage, name.removeprefix("receipt-").removesuffix(".json")).root


@pytest.mark.parametrize(
    ("name", "begins", "roots"),
    [
        ("noise", "data/noise/metrics/", ["data/noise"]),
        ("leakage", "data/leakage/leakage/", ["data/leakage/data", "data/leakage/noise", "data/leakage"]),
        ("article", "data/article/", ["data/article_rows/label_safety", "data/article_rows", "data"]),
    ],
)
def test_a_family_ends_in_what_it_is_asked_for_and_every_receipt_leads_to_the_flow_that_makes_it(
    planned, name, begins, roots
):
    assert planned.result(name).startswith(f"{begins}receipt-")
    flows = planned.family(name)
    assert [flow.root for flow in flows] == roots
    for flow in flows:
        for stage in flow.plans.keys() - flow.shared.keys():
            assert made_at(planned, flow.receipt(stage)) == flow.root


def test_what_a_flow_shares_is_made_by_the_flow_that_it_shares_it_with(planned, monkeypatch):
    noise = dataclasses.replace(planned.family("noise")[-1], shared={"group": "data"})
    assert noise.receipt("group").startswith("data/group/receipt-")
    monkeypatch.setattr(families.flows, "noise", lambda overrides: noise)
    sharing = families.Families(noise, {}, lambda: False)
    assert sharing.making("noise", noise.hashes["split"]) is noise
    with pytest.raises(HuskyError, match=r"^data/noise/…/receipt-"):
        sharing.making("noise", noise.hashes["group"])


def test_a_setting_of_the_users_has_a_place_for_each_stage_that_others_share(planned, monkeypatch, tmp_path):
    table = tmp_path / "experiments.csv"
    table.write_text("aug.factor,train.l2\n2,\n2,0.1\n")
    rows = setting_table.read(table)
    monkeypatch.setattr(setting_table, "read", lambda: rows)
    settings = [flow for _, flow in setting_flows.flows(planned.main, {})]
    monkeypatch.setattr(setting_flows, "make", lambda main, overrides: settings)
    sharing = families.Families(planned.main, {}, lambda: False)
    first, second = settings
    for flow in settings:
        for stage in flow.shared:
            maker = sharing.making(f"experiment_stages/{flow.hashes[stage]}", flow.hashes[stage])
            assert maker.upstream(stage) == flow.upstream(stage)
            assert maker is (first if first.hashes[stage] == flow.hashes[stage] else second)


@pytest.mark.parametrize(
    ("place", "name"),
    [("noise", "noise"), ("leakage/data", "leakage"), ("leakage/9", "leakage"), ("elsewhere", "metrics")],
)
def test_a_receipt_of_other_parameters_is_refused_with_the_command_for_what_it_is_part_of(planned, place, name):
    with pytest.raises(HuskyError) as error:
        planned.making(place, "0123456789abcdef")
    assert str(error.value) == (
        f"data/{place}/…/receipt-0123456789abcdef.json may be of other parameters than those of now, and no rule makes "
        f"it. Ask for what it is part of by its name, as in: snakemake --cores all {name}"
    )


def test_a_family_is_planned_when_it_is_asked_for_and_once(planned, monkeypatch):
    noise, asked_for = planned.family("noise")[-1], []
    monkeypatch.setattr(families.flows, "noise", lambda overrides: asked_for.append(overrides) or noise)
    asked = families.Families(noise, {"raw": "photos"}, lambda: True)
    assert asked_for == []
    assert asked.family("noise") is asked.family("noise")
    assert asked_for == [{"raw": "photos"}]
