"""Tests of what is said of images that leak."""

from pathlib import Path

import pandas as pd
import pytest
from conftest import bare_job
from huskies.errors import HuskyError
from huskies.near_duplicates import leaking

LEAKS = pd.DataFrame(
    [("a.jpg", "b.jpg", "near-duplicate", "0.9700"), ("c.jpg", "", "unknown", "")], columns=leaking.COLUMNS
)


def test_each_leak_is_a_sentence():
    assert leaking.sentences(LEAKS) == [
        "a.jpg is a near-duplicate of b.jpg (0.9700)",
        "c.jpg descends from no image of the split",
    ]


def test_pairs_are_left_by_their_raw_names_and_others_are_not(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    originals = pd.DataFrame({"file": ["a.jpg", "b.jpg", "c.jpg"], "source": ["a.png", "b.png", "c.png"]})
    leaking.leave_pairs(LEAKS, originals)
    assert Path("logs/leaks_pairs.csv").read_text() == "file,other\na.png,b.png\n"


def test_a_refusal_shows_the_pairs_and_names_what_to_do(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    job = bare_job("cross_validation", tmp_path, inputs={"split": Path("data/split"), "augment": Path("data/augment")})
    with pytest.raises(HuskyError) as refused:
        leaking.refuse(job, LEAKS, b"a picture")
    assert Path("logs/cross_validation.png").read_bytes() == b"a picture"
    assert str(refused.value).startswith("2 training images leak from what is held out: a.jpg is a near-duplicate of")
    assert "Delete data/split and data/augment, and run again." in str(refused.value)
    assert "python -m huskies pairs different" in str(refused.value)
