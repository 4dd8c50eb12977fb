"""Tests of near-duplicates across a border."""

from pathlib import Path

import numpy as np
import pandas as pd
from bottleneck_inputs import picture
from huskies.images import codec, pairs
from huskies.near_duplicates import across


def written(folder: Path, contents: list[bytes], groups: str) -> pd.DataFrame:
    """Write pictures; return columns file, sha256, group."""
    for number, content in enumerate(contents):
        (folder / f"{number}.jpg").write_bytes(content)
    sha256 = [codec.sha256(content) for content in contents]
    return pd.DataFrame(
        {"file": [f"{number}.jpg" for number in range(len(contents))], "sha256": sha256, "group": list(groups)}
    )


def near(folder: Path, groups: str, different: set[pairs.Pair] = frozenset()) -> list[tuple[str, str]]:
    """Return the pairs that are found among four pictures of these groups; the last is the first once more."""
    again = codec.encode(codec.decode(picture(0)), 60)
    images = written(folder, [picture(0), picture(1), picture(2), again], groups)
    features = np.random.default_rng(0).normal(size=(4, 8)).astype(np.float32)
    found = across.find_near_groups(folder, images, (features, features), np.arange(4), 1, different, "test")
    assert list(found.columns) == ["file", "held_out", "reason", "similarity"]
    return list(zip(found["file"], found["held_out"], strict=True))


def test_two_groups_with_a_picture_of_one_thing_are_named(tmp_path):
    assert near(tmp_path, "abcd") == [("3.jpg", "0.jpg")]


def test_what_is_in_one_group_is_not_looked_for(tmp_path):
    assert near(tmp_path, "abca") == []


def test_what_is_said_to_be_different_is_none(tmp_path):
    again = codec.sha256(codec.encode(codec.decode(picture(0)), 60))
    assert near(tmp_path, "abcd", {pairs.in_order(codec.sha256(picture(0)), again)}) == []


def test_features_find_what_pixels_would_miss_among_many(tmp_path, monkeypatch):
    again = codec.encode(codec.decode(picture(0)), 60)
    images = written(tmp_path, [picture(number) for number in range(6)] + [again], "abcdefg")
    features = np.random.default_rng(0).normal(size=(7, 8)).astype(np.float32)
    features[6] = features[0]
    monkeypatch.setattr(across.candidates, "nearest_by_pixels", lambda thumbnails, count, cores: np.zeros((7, 0), int))
    found = across.find_near_groups(tmp_path, images, (features, features), np.arange(7), 1, set(), "test")
    assert found["file"].tolist() == ["6.jpg"]
