"""families: the flows with other parameters are planned when they are asked for, and each is found by its place."""

import pytest
from conftest import PROJECT
from huskies.article import families
from huskies.errors import HuskyError
from huskies.planning import plan
from huskies.planning.flow import prepare

FEW = {"repeats": {"seeds": 2}}


@pytest.fixture(scope="module")
def planned(tmp_path_factory):
    """All families of a flow with two repeats, without flowers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(PROJECT)
        patch.setattr(plan, "FOLDER", tmp_path_factory.mktemp("plans"))
        overrides = FEW | {"article": {"flowers": "data/nowhere"}}
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
        ("repeats", "data/repeats/repeats/", ["data/repeats/1", "data/repeats/2", "data/repeats"]),
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


def test_what_a_flow_shares_is_made_by_the_flow_that_it_shares_it_with(planned):
    first = planned.family("repeats")[0]
    assert first.receipt("group").startswith("data/group/receipt-")
    with pytest.raises(HuskyError, match=r"^data/repeats/1/…/receipt-"):
        planned.making("repeats/1", first.hashes["group"])


@pytest.mark.parametrize(
    ("place", "name"),
    [("noise", "noise"), ("repeats/2", "repeats"), ("repeats/9", "repeats"), ("elsewhere", "metrics")],
)
def test_a_receipt_of_other_parameters_is_refused_with_the_command_for_what_it_is_part_of(planned, place, name):
    with pytest.raises(HuskyError) as error:
        planned.making(place, "0123456789abcdef")
    assert str(error.value) == (
        f"data/{place}/…/receipt-0123456789abcdef.json may be of other parameters than those of now, and no rule makes "
        f"it. Ask for what it is part of by its name, as in: snakemake --cores all {name}"
    )


def test_a_family_is_planned_when_it_is_asked_for_and_once(monkeypatch):
    planned = []
    monkeypatch.setattr(families.flows, "repeats", lambda main: planned.append(main) or [])
    asked = families.Families("the main flow", {}, lambda: True)
    assert planned == []
    assert asked.family("repeats") is asked.family("repeats")
    assert planned == ["the main flow"]
