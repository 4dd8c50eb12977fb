"""sharding: which shards a command makes, and which of them stay."""

import fcntl
import re
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import CLASSES, IMAGES_A_CLASS, PROJECT, do
from huskies import receipt, stage_folder
from huskies.planning import plan, sharding
from huskies.planning.flow import Flow

PLANS = {stage: {"stage": stage, "inputs": {}} for stage in plan.SHARDED}


def flow(count: int) -> Flow:
    parts = plan.of_shards(PLANS, count)
    return Flow({}, PLANS, shards={name: receipt.plan_hash(part) for name, part in parts.items()})


def workflow(allowed=(), bucket=None, main=True) -> SimpleNamespace:
    """Return Snakemake's workflow as it is when it makes its graph of jobs."""
    return SimpleNamespace(
        is_main_process=main,
        dag_settings=SimpleNamespace(allowed_rules=set(allowed)),
        storage_settings=SimpleNamespace(default_storage_provider=bucket),
    )


@pytest.fixture(autouse=True)
def _workspace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_each_shard_has_the_plan_of_its_stage_and_its_place():
    assert plan.of_shards(PLANS, 2)["augment_2_of_2"] == {"stage": "augment", "inputs": {}, "shard": [2, 2]}
    assert len(plan.of_shards(PLANS, 7)) == 35


def test_one_is_none_at_all():
    assert plan.of_shards(PLANS, 1) == {}
    assert sharding.wanted("augment", flow(1), workflow()) == []


def test_a_stage_is_put_together_from_its_shards():
    found = sharding.wanted("augment", flow(2), workflow())
    assert [Path(each).parent.name for each in found] == ["augment_1_of_2", "augment_2_of_2"]
    first = {**PLANS["augment"], "shard": [1, 2]}
    assert found[0] == f"data/shards/augment_1_of_2/{receipt.name(receipt.plan_hash(first))}"


def test_what_is_there_needs_no_shards():
    made = Path(flow(2).receipt("augment"))
    made.parent.mkdir(parents=True)
    made.touch()
    assert sharding.wanted("augment", flow(2), workflow()) == []


def test_dvc_makes_a_stage_whole_and_a_job_of_a_cluster_does_what_its_command_has_planned():
    assert sharding.wanted("augment", flow(2), workflow({"augment"})) == []
    assert len(sharding.wanted("augment", flow(2), workflow({"augment", "augment_shard"}))) == 2
    assert len(sharding.wanted("augment", flow(2), workflow({"augment"}, main=False))) == 2


def test_in_a_bucket_shards_are_archives_and_what_reads_the_raw_images_is_made_whole():
    found = sharding.wanted("augment", flow(2), workflow(bucket="s3"))
    assert found == [f"packs/{name}-{flow(2).shards[name]}.tar" for name in ("augment_1_of_2", "augment_2_of_2")]
    assert sharding.wanted("convert", flow(2), workflow(bucket="s3")) == []


@pytest.mark.parametrize("archives", [False, True])
def test_paths_are_those_of_the_rules(archives):
    pattern = sharding.pattern("augment", archives)
    [first, _] = sharding.wanted("augment", flow(2), workflow(bucket="s3" if archives else None))
    assert pattern.format(number=1, total=2, hash=flow(2).shards["augment_1_of_2"]) == first


def test_shards_of_another_number_are_deleted_unless_a_run_has_them():
    for name in ("augment_1_of_2", "augment_1_of_3", "augment_2_of_3", ".augment_1_of_2-0123456789abcdef"):
        Path("data/shards", name).mkdir(parents=True)
    with stage_folder.lock(Path("data/shards/augment_2_of_3"), fcntl.LOCK_SH):
        sharding.clear(flow(2))
    left = [path.name for path in Path("data/shards").iterdir() if not path.name.startswith(".lock-")]
    assert sorted(left) == ["augment_1_of_2", "augment_2_of_3"]


def test_where_there_were_never_any_nothing_is_made():
    sharding.clear(flow(1))
    assert not Path("data").exists()


@pytest.mark.long
def test_added_photos_cost_their_own_bottlenecks_and_a_lost_shard_itself_alone(built):
    before = built.bytes_of(*plan.SHARDED)
    built.set(run__shards=2)
    assert "shard" not in do(built, "snakemake", "--cores", "2", "metrics")
    for label in CLASSES[:2]:
        added = sorted((PROJECT / "data/digits" / label).glob("*.png"))[IMAGES_A_CLASS]
        shutil.copy(added, built.folder / f"data/digits/{label}/added.png")
    wanted = ("augment", "bottlenecks_original", "bottlenecks_augmented", "bottlenecks_test")
    said = do(built, "snakemake", "--cores", "2", *wanted)
    computed = re.findall(r"^bottlenecks_\w+: shard \d of 2: computed (\d+)", said, re.MULTILINE)
    trained = sum("/train_added_" in name for name in built.bytes_of("augment"))
    assert sum(map(int, computed)) == 2 + trained
    together = built.bytes_of(*plan.SHARDED)
    assert len(together) > len(before)

    # Damaged and lost, whole stages are put together again, and one shard of many is made.
    for stage in wanted:
        shutil.rmtree(built.folder / "data" / stage)
    shutil.rmtree(built.folder / "data/shards/augment_1_of_2")
    said = do(built, "snakemake", "--cores", "2", *wanted)
    assert re.findall(r"^augment: shard (\d)", said, re.MULTILINE) == ["1"]
    # What lies below a stage that is made runs, too, and finds all that it needs.
    assert set(re.findall(r"^bottlenecks_\w+:.* computed (\d+)", said, re.MULTILINE)) == {"0"}
    assert built.bytes_of(*plan.SHARDED) == together
