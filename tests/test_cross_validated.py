"""Tests of what cross-validation says."""

import numpy as np
import pandas as pd
import pytest
from huskies.statistics import cross_validated, verdicts

IMAGES = pd.DataFrame({"label": ["a", "b"] * 50, "group": [str(number) for number in range(100)]})


def numbers(won: int, lost: int, repeats: int = 1) -> dict:
    """Return the summary where augmentation wins and loses so many of 100 images, 60 of them right without it."""
    before = np.arange(100) < 60
    after = before.copy()
    after[60 : 60 + won] = True
    after[:lost] = False
    right = {"baseline": np.repeat(before[None], repeats, 0), "augmented": np.repeat(after[None], repeats, 0)}
    return cross_validated.summarise(right, IMAGES)


def test_both_heads_the_gain_and_the_counts_stand_there():
    found = numbers(20, 4, repeats=2)
    assert found["baseline"]["accuracy"] == 0.6
    assert found["augmented"]["accuracy"] == 0.76
    assert found["gain"] == {**found["gain"], "won": 20, "lost": 4}
    assert found["gain"]["accuracy"] == 0.16
    assert (found["images"], found["groups"]) == (100, 100)


def test_a_gain_whose_interval_excludes_nothing_helped():
    found = numbers(20, 2)
    assert found["verdict"] == verdicts.HELPED
    low, high = (verdicts.in_points(found["gain"][end]) for end in ("low", "high"))
    assert found["sentence"] == (
        f"Augmentation helped by 18.0 points ({low} to {high}) on 100 images, each held out in turn."
    )


def test_a_gain_that_may_be_nothing_says_what_it_would_take():
    found = numbers(6, 4)
    assert found["verdict"] == verdicts.CANNOT_BE_TOLD
    assert found["sentence"].startswith(
        "With 100 images, each held out in turn, it cannot be told whether augmentation helped: the gain of +2.0 "
        "points lies between "
    )
    assert found["images_to_tell"] > 1000


def test_no_difference_says_that_it_cannot_be_said_what_it_would_take():
    found = numbers(0, 0)
    assert found["images_to_tell"] is None
    assert "No difference was seen" in found["sentence"]


def test_as_many_images_as_are_said_to_be_needed_tell_the_gain():
    found = cross_validated.images_to_tell((0.02, -0.02, 0.06), 100)
    # The error is then that of a gain of 2.8 standard errors, with which 80 % of intervals exclude 0.
    error = 0.04 / 1.959964 * (100 / found) ** 0.5
    assert 0.02 / error == pytest.approx(1.959964 + 0.841621, rel=1e-3)


def test_each_class_has_its_recall_by_each_head():
    right = {"baseline": np.array([[True, False] * 50]), "augmented": np.ones((1, 100), bool)}
    found = cross_validated.per_class(right, IMAGES)
    assert list(found.columns) == ["head", "label", "images", "recall", "low", "high"]
    assert found["recall"].tolist() == [1.0, 0.0, 1.0, 1.0]
    assert set(found["images"]) == {50}


def test_the_table_has_every_number_that_leads():
    found = {**numbers(20, 2), "folds": 5, "repeats": 2, "leaks": 0}
    for head in ("baseline", "augmented"):
        found[head]["training_images"] = 80
    text = cross_validated.table(found)
    assert "baseline                  80       60.0%" in text
    assert "100 images, each held out in turn (5 folds, 2 times); leaks: 0" in text
    assert text.endswith(f"{found['sentence']}\n")


def test_a_table_with_leaks_begins_with_the_warning():
    found = {**numbers(20, 2), "folds": 5, "repeats": 1, "leaks": 3}
    for head in ("baseline", "augmented"):
        found[head]["training_images"] = 80
    assert cross_validated.table(found).startswith("These numbers are false")
