"""packs: what jobs that share a bucket read, write and are told."""

import os
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import PROJECT
from huskies import receipt
from huskies.backbone import common_engine
from huskies.planning import job_flow, packs, params, plan
from huskies.planning.flow import Flow


@pytest.fixture
def flow(in_project, monkeypatch) -> Flow:
    monkeypatch.delenv(packs.VARIABLE, raising=False)
    monkeypatch.setenv(common_engine.VARIABLE, "")
    monkeypatch.setattr(plan.raw_files, "raw_digest", lambda raw: "0" * 64)
    values = params.load()
    return Flow(values, plan.all_plans(values), counted=1797)


def workflow(provider: str | None) -> SimpleNamespace:
    return SimpleNamespace(storage_settings=SimpleNamespace(default_storage_provider=provider))


def test_without_a_bucket_there_are_none_and_nobody_is_told(flow):
    for given in (workflow(None), SimpleNamespace(storage_settings=None)):
        assert not packs.used(given)
        assert packs.begin(given, flow) is None
    assert packs.VARIABLE not in os.environ
    assert packs.heard() is None


def test_an_archive_has_the_hash_of_the_receipt(flow):
    shared = packs.begin(workflow("s3"), flow)
    assert shared.archive("split") == f"packs/split-{flow.hashes['split']}.tar"
    assert receipt.name(packs.digest(Path(shared.archive("split")))) == Path(flow.receipt("split")).name


def test_a_job_is_sent_its_plan_and_where_it_computes_features_the_backbone(flow):
    shared = packs.begin(workflow("s3"), flow)
    for stage, planned in flow.plans.items():
        found = [Path(each).name.rpartition("-")[0] for each in shared.sent(stage)]
        computes = "backbone" in planned["params"]
        assert found == ([] if stage in packs.AT_HOME else ["plan", *(["weights", "backbone"] if computes else [])])
    assert {stage for stage in flow.plans if "raw" in flow.plans[stage]["params"]} <= {*packs.AT_HOME}
    features = ("bottlenecks_original", "bottlenecks_augmented", "cross_validation", "final")
    assert len({shared.sent(stage)[1] for stage in features}) == 1
    assert len({shared.sent(stage)[2] for stage in features}) == 1
    assert shared.backbone() == shared.sent("bottlenecks_original")[:2]


def test_weights_are_found_by_the_hash_of_their_archive(flow):
    shared = packs.begin(workflow("s3"), flow)
    sent = Path(shared.sent("bottlenecks_original")[1])
    assert shared.weights(packs.digest(sent)) == ["backbones/mini.weights.h5"]
    assert (PROJECT / "backbones/mini.weights.h5").is_file()


def test_a_job_knows_what_the_command_knows_and_has_no_plans(flow):
    before = packs.begin(workflow("s3"), flow)
    assert set(os.environ[packs.VARIABLE]) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=")
    told = job_flow.find()
    assert (told.params, told.hashes, told.images, told.plans) == (flow.params, flow.hashes, 1797, {})
    assert told.receipt("metrics") == flow.receipt("metrics")
    after = packs.begin(workflow("s3"), told)
    assert [after.archive(stage) for stage in flow.plans] == [before.archive(stage) for stage in flow.plans]
    assert [after.sent(stage) for stage in flow.plans] == [before.sent(stage) for stage in flow.plans]


def test_a_job_and_what_it_starts_know_the_engine_that_the_command_has_settled(flow, monkeypatch):
    monkeypatch.setenv(common_engine.VARIABLE, "")
    backbone, settled = flow.params["backbone"], {"engine": "openvino", "precision": "float32"}
    packs.begin(workflow("s3"), flow)
    common_engine.tell(backbone, settled)
    packs.tell(flow)
    monkeypatch.delenv(common_engine.VARIABLE)
    told = job_flow.find()
    assert common_engine.heard(told.params["backbone"]) == settled


def test_another_photo_converts_no_backbone_anew_and_other_weights_do(flow):
    def sent(**changed) -> list[str]:
        planned = {**flow.plans, "bottlenecks_original": {**flow.plans["bottlenecks_original"], **changed}}
        return packs.sent("bottlenecks_original", planned)

    before = sent()
    assert sent(inputs={"split": "another"})[1:] == before[1:]
    weights, backbone = sent(files={"backbones/mini.weights.h5": "another"})[1:]
    assert weights != before[1]
    assert backbone != before[2]
