"""shards: ranges of hashes that leave nothing out, and files under a second name."""

import hashlib
import os

import pytest
from huskies import shards
from huskies.shards import Shard
from hypothesis import given
from hypothesis import strategies as st


@given(st.binary(), st.integers(1, 1000))
def test_everything_belongs_to_one_shard(content, count):
    sha256 = hashlib.sha256(content).hexdigest()
    assert sum(shard.holds(sha256) for _, shard in shards.of("augment", count)) == 1


def test_shards_are_about_equal():
    digests = [hashlib.sha256(bytes([number % 256, number // 256])).hexdigest() for number in range(7000)]
    sizes = [sum(map(shard.holds, digests)) for _, shard in shards.of("convert", 7)]
    assert 900 < min(sizes) <= max(sizes) < 1100


@pytest.mark.parametrize("sha256", ["0" * 64, "f" * 64])
def test_the_first_and_the_last_hash_belong_to_the_first_and_the_last(sha256):
    assert Shard(1 if sha256[0] == "0" else 3, 3).holds(sha256)


def test_a_shard_is_named_after_its_stage():
    assert [name for name, _ in shards.of("augment", 2)] == ["augment_1_of_2", "augment_2_of_2"]
    assert shards.stage_of("bottlenecks_test_10_of_12") == "bottlenecks_test"
    assert shards.stage_of("bottlenecks_test") == "bottlenecks_test"


def test_bytes_are_written_and_a_file_gets_a_second_name(tmp_path):
    assert shards.put(b"pixels", tmp_path / "a") == b"pixels"
    assert shards.put(tmp_path / "a", tmp_path / "b") == b"pixels"
    assert (tmp_path / "a").stat().st_ino == (tmp_path / "b").stat().st_ino


def test_where_a_file_can_have_no_second_name_it_is_copied(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(18, "Invalid cross-device link")

    (tmp_path / "a").write_bytes(b"pixels")
    monkeypatch.setattr(os, "link", refuse)
    assert shards.put(tmp_path / "a", tmp_path / "b") == b"pixels"
    assert (tmp_path / "b").read_bytes() == b"pixels"
    assert (tmp_path / "a").stat().st_ino != (tmp_path / "b").stat().st_ino
