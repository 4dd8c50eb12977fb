"""luck: the lead of the best of several settings beside the lead that chance alone would give it."""

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import Clone, do
from huskies.errors import HuskyError
from huskies.planning import stage_list
from huskies.statistics import optimism
from huskies.steps import luck
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

PLANS = {"metrics": {"provenance": {"split": "this"}}}
PARAMS = {"aug": {"factor": 5, "policy": [{"transform": "Affine", "rotate": [-12, 12]}]}, "train": {"steps": 2000}}


def setting(name: str, right: list[bool] | np.ndarray, split: str = "this", **params: Any) -> luck.Setting:
    """Return a setting that is right and wrong on these images of class a."""
    predicted = pd.DataFrame({"file": [f"a/val_{number}.jpg" for number in range(len(right))], "actual": "a"})
    return luck.Setting(name, split, {**PARAMS, **params}, predicted.assign(predicted=np.where(right, "a", "b")))


def expected_lead(settings: int, images: int, chance: float = 0.5) -> float:
    """Return by how much the best of independent settings that guess leads `chance`, on average, exactly."""
    counts = np.arange(images + 1)
    best = np.diff(stats.binom.cdf(counts, images, chance) ** settings, prepend=0)
    return float((best * counts).sum() / images - chance)


def fewest(errors: int) -> float:
    """Return how many of the errors the luckiest of three settings has, on average, exactly."""
    counts = [(one, two, errors - one - two) for one in range(errors + 1) for two in range(errors + 1 - one)]
    return float(stats.multinomial.pmf(counts, errors, [1 / 3] * 3) @ np.min(counts, axis=1))


@pytest.mark.parametrize(("settings", "images"), [(2, 40), (10, 40), (5, 100)])
def test_settings_that_guess_lead_as_far_as_the_maximum_of_their_number_does(settings, images):
    random = np.random.default_rng(0)
    worlds = [optimism.chance_leads(random.random((settings, images)) < 0.5).mean() for _ in range(20)]
    assert np.mean(worlds) == pytest.approx(expected_lead(settings, images), rel=0.05)


def test_two_settings_lead_as_two_sides_of_a_coin_do():
    # Of 10 images, 4 are right under one setting only: the lead is |2 B - 4| / 2 images, where B are heads of 4.
    right = np.array([[True] * 3 + [True, True, False, False] + [False] * 3] * 2)
    right[1, 3:7] = ~right[1, 3:7]
    leads = optimism.chance_leads(right) * 10
    assert sorted(set(leads.round(9))) == [0, 1, 2]
    shares = [(leads.round(9) == lead).mean() for lead in (0, 1, 2)]
    assert shares == pytest.approx([6 / 16, 8 / 16, 2 / 16], abs=0.02)


def test_settings_that_agree_on_every_image_cannot_lead():
    assert not optimism.chance_leads(np.array([[True, False, True]] * 4)).any()


@settings(max_examples=10)
@given(st.integers(2, 6), st.integers(1, 30), st.integers(0, 1000))
def test_the_leads_are_the_same_every_time_and_possible(number, images, seed):
    right = np.random.default_rng(seed).random((number, images)) < 0.7
    leads = optimism.chance_leads(right)
    assert len(leads) == optimism.DRAWS
    assert (leads == optimism.chance_leads(right)).all()
    assert leads.min() > -1e-9
    assert leads.max() <= 1 - right.mean() + 1e-9


def test_parameters_are_named_as_dvc_names_them():
    assert luck.flat(PARAMS) == {
        "aug.factor": 5,
        "aug.policy.0.transform": "Affine",
        "aug.policy.0.rotate.0": -12,
        "aug.policy.0.rotate.1": 12,
        "train.steps": 2000,
    }


def test_only_what_most_settings_do_not_share_is_told():
    right = [True]
    one, other = setting("one", right), setting("other", right, train={"steps": 50}, extra={})
    assert luck.differences([one, other]) == ["train.steps=2000", "train.steps=50, extra={}"]
    again = setting("again", right)
    assert luck.differences([one, other, again]) == ["as most", "train.steps=50, extra={}", "as most"]


def test_settings_with_the_same_predictions_count_once():
    one, same, other = setting("one", [True, True]), setting("same", [True, True]), setting("other", [True, False])
    assert [each.name for each in luck.distinct([one, other, same])] == ["one, same", "other"]


def test_a_lead_within_luck_comes_with_advice():
    hard = np.arange(100) % 10
    tried = [setting(f"s{number}", hard != number, train={"steps": number}) for number in (1, 2)]
    tried.append(setting("s3", (hard != 3) | (np.arange(100) < 50), train={"steps": 3}))
    lines = luck.report(tried).splitlines()
    assert lines[:5] == [
        "3 settings on 100 validation images, with augmentation",
        "  95.0%  s3  train.steps=3",
        "  90.0%  s1  train.steps=1",
        "  90.0%  s2  train.steps=2",
        "best 95.0%, mean 91.7%: the best leads by 3.3 points",
    ]
    # 25 images, each of which one of the three gets wrong: the luckiest has four or more of them in 95.5 % of cases.
    expected, limit = 25 / 3 - fewest(25), 25 / 3 - 4
    assert (
        lines[5]
        == f"chance alone would let it lead by {expected:.1f} points, and in 95 % of cases by at most {limit:.1f}"
    )
    assert lines[6:] == [
        "This lead is within luck: take other validation images (split.repeat), or look at the test set once."
    ]


def test_a_lead_beyond_luck_is_said_to_be_more():
    tried = [setting("good", [True] * 90 + [False] * 10), setting("bad", [True] * 40 + [False] * 60)]
    assert luck.report(tried).splitlines()[-1] == "This lead is more than luck."


@pytest.fixture
def known(tmp_path, monkeypatch):
    """Stand in for DVC: a function that takes what it knows, by name, None for what it has lost."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".dvc").mkdir()

    def set_known(**found: luck.Setting | None) -> None:
        monkeypatch.setattr(luck, "revisions", lambda: [(name, "0" * 40) for name in found])
        monkeypatch.setattr(luck, "fetch", lambda name, _: found[name])

    return set_known


NOTHING = (
    "DVC knows fewer than two settings with this split, so there is nothing to compare. Try another:\n"
    "dvc exp run -S aug.factor=10"
)


@pytest.mark.parametrize("found", [{}, {"HEAD": None, "one": setting("one", [True])}])
def test_fewer_than_two_settings_are_nothing_to_compare(known, found):
    known(**found)
    assert luck.run(PLANS) == NOTHING


def test_settings_that_predict_the_same_are_nothing_to_compare(known):
    known(one=setting("one", [True, False]), same=setting("same", [True, False]))
    assert luck.run(PLANS) == (
        "DVC knows 2 settings with this split, which predict the same of every validation image, "
        "so there is nothing to compare. Try another:\ndvc exp run -S aug.factor=10"
    )


def test_what_cannot_be_compared_is_left_out_and_told(known):
    one, two = [True] * 9 + [False], [False] * 2 + [True] * 8
    known(
        HEAD=None,
        lost=None,
        elsewhere=setting("elsewhere", [True] * 7, split="another"),
        one=setting("one", one),
        two=setting("two", two),
    )
    lines = luck.run(PLANS).splitlines()
    assert lines[0] == "2 settings on 10 validation images, with augmentation"
    assert lines[-2:] == [
        "of another split, and not compared: 1",
        "left out, for DVC has not their numbers here: lost. Get them: dvc exp pull, dvc fetch",
    ]


def test_without_dvc_there_is_nothing_to_ask(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(HuskyError) as refusal:
        luck.run(PLANS)
    assert str(refusal.value) == (
        "luck asks DVC what was tried, and this folder is no DVC repository. Run it in a git clone."
    )


@pytest.mark.long
def test_the_experiments_of_a_clone_are_compared_where_they_share_the_split(built: Clone):
    assert f"luck: {NOTHING}\n" in do(built, "snakemake", "--cores", "1", "luck")
    do(built, "dvc", "exp", "run", "--name", "elsewhere", "-S", "split.seed=2")
    do(built, "dvc", "exp", "run", "--name", "wild", "-S", "split.seed=1", "-S", "train.learning_rate=1000000")
    before = built.bytes_of(*stage_list.tracked(built.folder)), do(built, "git", "status", "--porcelain")
    said = do(built, "snakemake", "--cores", "1", "luck")
    assert before == (built.bytes_of(*stage_list.tracked(built.folder)), do(built, "git", "status", "--porcelain"))
    log = (built.folder / "logs/luck.log").read_text(encoding="utf-8")
    assert log in said
    images = len((built.folder / "data/metrics/predictions.csv").read_text().splitlines()) - 1
    assert f"luck: 2 settings on {images} validation images, with augmentation\n" in log
    recorded = re.search(r"run-\w+", log).group()
    assert sorted(re.findall(r"%  (\S+) +(\S+)$", log, re.MULTILINE)) == sorted(
        [("wild", "train.learning_rate=1000000"), (recorded, "train.learning_rate=0.003")]
    )
    assert "of another split, and not compared: 1\n" in log

    (built.folder / ".dvc/cache").rename(built.folder / ".dvc/lost")
    said = do(built, "snakemake", "--cores", "1", "luck")
    left_out = f"elsewhere, {recorded}, wild"
    assert f"luck: {NOTHING}\nleft out, for DVC has not their numbers here: {left_out}. Get them: " in said
