"""job: which shards a job may take results from."""

from dataclasses import replace

import pytest
from conftest import bare_job
from huskies import receipt
from huskies.shards import Shard

PLAN = {
    "stage": "augment",
    "params": {"aug": {"factor": 2, "policy": []}, "convert": {"max_rejected": 9}},
    "code": {"a.py": "1"},
    "libraries": {"pillow": "1"},
}


@pytest.fixture
def last(tmp_path):
    """A shard's last output, of another split."""
    folder = tmp_path / "augment_1_of_2"
    folder.mkdir()
    (folder / "results.csv").write_text("file\n")
    receipt.write(folder, {**PLAN, "inputs": {"split": "0123456789abcdef"}, "shard": [1, 2]})
    return folder


@pytest.fixture
def job(tmp_path, last):
    return bare_job(**PLAN, output=tmp_path / "out", previous=last, shard=Shard(1, 2))


def test_a_shard_takes_from_its_own_last_output(job, last):
    assert job.usable_shards("aug.factor", "aug.policy") == [last]


def test_whatever_parameters_say_that_shape_no_image(job, last):
    judged = {"aug": PLAN["params"]["aug"], "convert": {"max_rejected": 20}}
    assert replace(job, params=judged).usable_shards("aug.factor", "aug.policy") == [last]


@pytest.mark.parametrize(
    "other", [{"params": {"aug": {"factor": 3, "policy": []}}}, {"code": {"a.py": "2"}}, {"libraries": {}}]
)
def test_not_from_one_of_other_parameters_code_or_libraries(job, other):
    assert replace(job, **other).usable_shards("aug.factor", "aug.policy") == []


def test_nor_from_one_that_is_damaged_or_has_no_receipt(job, last):
    (last / "results.csv").write_text("files\n")
    assert job.usable_shards("aug.factor", "aug.policy") == []
    [made] = last.glob("receipt-*")
    made.unlink()
    assert job.usable_shards("aug.factor", "aug.policy") == []


def test_a_whole_stage_takes_from_the_shards_of_its_plan_alone(job, tmp_path):
    whole = replace(job, shard=None, shards=(tmp_path / "a", tmp_path / "b"))
    assert whole.usable_shards("aug.factor") == [tmp_path / "a", tmp_path / "b"]


def test_what_a_job_makes_has_a_name_of_its_own(job):
    assert job.name == "augment_1_of_2"
    assert replace(job, shard=None).name == "augment"
