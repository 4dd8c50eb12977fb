"""Tests of what `auto` stands for in the section `train`: chosen by training images, in folds of groups."""

import functools

import numpy as np
import pandas as pd
import pytest
from conftest import TRAIN
from huskies.backbone.features import Rows
from huskies.training import discriminants, regularisation, scatter
from scipy import special

AUTO = {**TRAIN, "scaling": "discriminants", "shrinkage": "auto", "l2": "auto"}


def images(count: int, dimensions: int, noise: float, copies: int = 0, seed: int = 0):
    """Return (Rows, int labels, the rows of their manifest) of two classes that the first feature tells apart."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    features = random.normal(0, noise, (count, dimensions)).astype(np.float32)
    features[:, 0] += 2 * labels
    source = np.concatenate([np.arange(count), np.repeat(np.arange(count), copies)])
    copied = features[source] + random.normal(0, 0.01, (len(source), dimensions)).astype(np.float32)
    number = ["" if row < count else str(row) for row in range(len(source))]
    rows = pd.DataFrame({"group": [f"g{each}" for each in source], "copy": number})
    return Rows([copied], np.arange(len(source))), labels[source], rows


def choose(parameters: dict, features: Rows, labels: np.ndarray, rows: pd.DataFrame) -> dict:
    return regularisation.choose((features, labels), rows, None, parameters)


def test_what_is_not_auto_is_kept_and_nothing_is_computed():
    assert regularisation.candidates(TRAIN) == [TRAIN]
    assert choose(TRAIN, None, None, pd.DataFrame({"group": [], "copy": []})) == {**TRAIN, "widths": None}


def test_every_combination_is_a_candidate_and_standardised_features_are_not_shrunk():
    possible = regularisation.candidates({**AUTO, "scaling": "auto"})
    assert len(possible) == 4 * 3 + 3
    assert {each["shrinkage"] for each in possible if each["scaling"] == "standardise"} == {0.3}
    assert regularisation.candidates({**AUTO, "l2": 0.5})[0] == {**AUTO, "l2": 0.5, "shrinkage": 0.3}


def test_features_that_vary_together_want_less_shrinkage():
    features, labels, rows = images(200, 8, 1.0)
    mixed = features[:].copy()
    # What hides the classes lies in one direction, which the covariance knows.
    mixed[:, :2] += 30 * np.random.default_rng(1).normal(size=(200, 1)).astype(np.float32)
    chosen = choose(AUTO, Rows([mixed], np.arange(200)), labels, rows)
    assert chosen["shrinkage"] == min(regularisation.GRID["shrinkage"])


def test_copies_are_never_asked_and_never_leave_their_group(monkeypatch):
    features, labels, rows = images(30, 5, 1.0, copies=2)
    seen = []

    def ask(features, labels, trained, asked, of_trained, possible):
        seen.append((set(trained), set(asked)))
        return np.zeros((len(possible), len(asked), 2))

    monkeypatch.setattr(regularisation, "ask", ask)
    choose(AUTO, features, labels, rows)
    assert sorted(each for _, asked in seen for each in asked) == list(range(30))
    for trained, asked in seen:
        assert not set(rows["group"][sorted(trained)]) & set(rows["group"][sorted(asked)])


def test_where_no_class_is_left_to_be_trained_on_the_first_candidate_is_taken():
    features, labels, rows = images(2, 3, 1.0)
    assert regularisation.chosen(choose(AUTO, features, labels, rows)) == {
        "scaling": "discriminants", "shrinkage": 0.3, "l2": 0.01,
    }  # fmt: skip


def test_the_choice_is_the_same_however_sure_the_answers_are():
    labels = np.arange(50) % 2
    random = np.random.default_rng(0)
    better, worse = (random.normal(0, noise, (50, 2)) + 2 * np.eye(2)[labels] for noise in (1, 3))
    for factor in (0.05, 1, 20):
        scores = np.stack([worse, factor * better])
        assert regularisation.best([{"l2": 1}, {"l2": 2}], scores, labels) == {"l2": 2}


def test_the_regression_is_the_optimum_of_the_loss_of_the_head():
    features, labels, _ = images(40, 3, 1.0)
    parameters = {**TRAIN, "l2": 0.1, "class_balanced": False}
    rows = features[:].astype(float)
    moments = rows.mean(axis=0), rows.var(axis=0) + 0.01 * rows.var(axis=0).mean()
    scaled = (rows - moments[0]) / np.sqrt(moments[1])
    everyone = np.arange(40)
    [logits] = regularisation.ask(features, labels, everyone, everyone, lambda: None, [parameters])
    weights = np.linalg.lstsq(np.c_[scaled, np.ones(40)], logits, rcond=None)[0]
    slope = scaled.T @ (special.softmax(logits, axis=1) - np.eye(2)[labels]) / 40 + 2 * 0.1 * weights[:-1]
    assert slope == pytest.approx(np.zeros((3, 2)), abs=1e-4)


def test_between_scalings_the_better_one_is_taken():
    random = np.random.default_rng(0)
    labels = np.arange(120) % 2
    features = random.normal(size=(120, 6)).astype(np.float32)
    # The classes lie across a direction in which everything varies most.
    features[:, 0] += 20 * random.normal(size=120)
    features[:, 1] = features[:, 0] + 0.5 * labels + 0.1 * random.normal(size=120)
    rows = pd.DataFrame({"group": [f"g{each}" for each in range(120)], "copy": ""})
    auto = {**TRAIN, "scaling": "auto", "shrinkage": 0.001, "l2": 0.1}
    assert choose(auto, Rows([features], np.arange(120)), labels, rows)["scaling"] == "discriminants"


def test_rows_that_are_few_and_their_scatter_favour_the_same(monkeypatch):
    features, labels, rows = images(40, 60, 1.5, copies=1)
    everyone = np.arange(80)
    possible = regularisation.candidates(AUTO)
    found = {}
    for few in (True, False):
        monkeypatch.setattr(discriminants, "few", lambda *shape, few=few: few)
        of_all = functools.partial(scatter.of, features, labels, 2)
        logits = regularisation.ask(features, labels, everyone, everyone[:40], of_all, possible)
        found[few] = logits, choose(AUTO, features, labels, rows)
    assert found[True][0] == pytest.approx(found[False][0], abs=1e-3)
    assert found[True][1] == found[False][1]
