"""ready_backbone: what is converted for one job serves another that has an empty cache."""

import json

import pytest
from conftest import BACKBONE, USES_KERAS
from huskies import cache_file, receipt
from huskies.backbone import inference, network, openvino_engine
from huskies.planning import packed_run, plan
from huskies.steps import ready_backbone

pytestmark = USES_KERAS


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_whoever_unpacks_it_converts_nothing(weights_here, tmp_path, monkeypatch, precision):
    planned = {"stage": "bottlenecks_original", "params": {"backbone": {**BACKBONE, "precision": precision}}}
    digest = receipt.plan_hash(planned)
    sent = tmp_path / f"packs/plan-{digest}.json"
    sent.parent.mkdir()
    sent.write_text(json.dumps(planned))
    archive = tmp_path / "packs/backbone-0123456789abcdef.tar"
    assert ready_backbone.run([sent], archive) == "MobileNet, 1 files of the cache"
    assert plan.fetch(digest) == planned

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "another"))
    packed_run.unpacked([archive])
    assert [path.stem for path in cache_file.cache_folder().rglob("*.*")] == [openvino_engine.key(BACKBONE)]
    monkeypatch.setattr(network, "trace", lambda *given: pytest.fail("converted again"))
    assert inference.load(BACKBONE, 1).side == 32
