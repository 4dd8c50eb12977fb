"""fit: a new last layer learns what can be told apart, step by step, and is kept at its best step."""

import re
from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import TRAIN, USES_KERAS
from huskies.errors import HuskyError
from huskies.training import fit, head
from hypothesis import given, settings
from hypothesis import strategies as st
from trainings import CURVES

pytestmark = USES_KERAS


def separable(images: int, seed: int = 0, classes: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Return features that a linear head can tell apart, and labels."""
    random = np.random.default_rng(seed)
    labels = np.arange(images) % classes
    features = random.normal(0, 0.3, (images, 8))
    features[np.arange(images), labels] += 3
    return features.astype(np.float32), labels


def noise(images: int, seed: int, classes: int = 3) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return random.normal(0, 1, (images, 8)).astype(np.float32), random.integers(0, classes, images)


def fitted(**changed: Any) -> tuple[head.Head, pd.DataFrame, int]:
    """Return the head, history and kept step of a training on rows that can be told apart."""
    return fit.fit(separable(30), separable(12, seed=1), 3, {**TRAIN, **changed}, "train_baseline")[:3]


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 4), min_size=1, max_size=40),
    st.integers(1, 20),
    st.integers(1, 20),
    st.booleans(),
    st.integers(0, 2**31 - 1),
)
def test_batches_are_rows_of_the_training_set_and_the_same_for_a_seed(labels, steps, size, balanced, seed):
    labels = np.array(labels)
    batches = fit.draw_batches(labels, steps, size, balanced, seed)
    assert batches.dtype == np.int32
    assert batches.shape == (steps, size)
    assert set(batches.ravel()) <= set(range(len(labels)))
    assert (batches == fit.draw_batches(labels, steps, size, balanced, seed)).all()


def test_balanced_batches_hold_every_class_alike_and_every_image_of_a_class_alike():
    labels = np.array([0] * 90 + [1] * 9 + [2])
    drawn = fit.draw_batches(labels, 1000, 90, balanced=True, seed=3).ravel()
    by_class = Counter(labels[drawn].tolist())
    assert all(by_class[each] == pytest.approx(30_000, rel=0.03) for each in range(3))
    by_row = Counter(drawn.tolist())
    assert by_row[99] == by_class[2]
    assert all(by_row[row] == pytest.approx(30_000 / 9, rel=0.1) for row in range(90, 99))
    assert all(by_row[row] == pytest.approx(30_000 / 90, rel=0.25) for row in range(90))


def test_unbalanced_batches_hold_every_image_alike():
    labels = np.array([0] * 90 + [1] * 9 + [2])
    drawn = fit.draw_batches(labels, 1000, 100, balanced=False, seed=3).ravel()
    by_row = Counter(drawn.tolist())
    assert all(by_row[row] == pytest.approx(1000, rel=0.15) for row in range(100))


def test_another_seed_draws_other_batches():
    labels = np.arange(100) % 5
    for balanced in (True, False):
        first, second = (fit.draw_batches(labels, 5, 20, balanced, seed) for seed in (1, 2))
        assert (first != second).any()


@pytest.mark.parametrize(("optimizer", "learning_rate"), [("adam", 0.1), ("sgd", 1.0)])
def test_a_head_learns_what_can_be_told_apart(optimizer, learning_rate):
    model, history, _ = fitted(optimizer=optimizer, learning_rate=learning_rate)
    last = history.iloc[-1]
    assert last["train_accuracy"] == last["val_accuracy"] == 1.0
    assert last["val_cross_entropy"] < 0.1
    features, labels = separable(50, seed=9)
    assert (model.predict(features).argmax(axis=1) == labels).all()
    assert model.predict(features).sum(axis=1) == pytest.approx(1, abs=1e-5)


def test_the_curves_start_and_end_where_the_steps_do():
    for steps, expected in ((60, list(range(1, 61))), (250, [*range(3, 250, 3), 250])):
        _, history, _ = fitted(steps=steps, batch_size=4)
        assert list(history.columns) == CURVES
        assert history["step"].tolist() == expected


def test_the_curves_are_accuracy_and_cross_entropy_over_all_rows():
    model, history, _ = fitted(keep="last")
    for rows, name in ((separable(30), "train"), (separable(12, seed=1), "val")):
        probabilities = model.predict(rows[0]).astype(float)
        accuracy = (probabilities.argmax(axis=1) == rows[1]).mean()
        cross_entropy = -np.log(probabilities[np.arange(len(rows[1])), rows[1]]).mean()
        assert history.iloc[-1][f"{name}_accuracy"] == accuracy
        assert history.iloc[-1][f"{name}_cross_entropy"] == pytest.approx(cross_entropy, rel=1e-4)


@pytest.mark.parametrize("keep", ["best", "last"])
def test_the_best_head_or_the_last_is_kept(keep):
    validation = noise(40, seed=2)
    model, history, step, curves = fit.fit(noise(40, seed=1), validation, 3, {**TRAIN, "keep": keep}, "train_baseline")
    best = int(history.loc[history["val_cross_entropy"].idxmin(), "step"])
    assert best < 60
    assert step == (best if keep == "best" else 60)
    kept = history.set_index("step").loc[step]
    right, cross_entropy = model.score(*validation)
    assert (right.mean(), cross_entropy.mean()) == pytest.approx((kept["val_accuracy"], kept["val_cross_entropy"]))
    assert (right == curves[0][step - 1]).all()
    assert (cross_entropy == curves[1][step - 1]).all()


def test_every_point_of_the_curves_is_the_mean_of_what_each_validation_image_had():
    validation = noise(40, seed=2)
    _, history, _, (right, cross_entropy) = fit.fit(
        noise(40, seed=1), validation, 3, {**TRAIN, "steps": 250}, "train_baseline"
    )
    assert (right.dtype, cross_entropy.dtype) == (bool, np.float32)
    assert right.shape == cross_entropy.shape == (len(history), 40)
    assert right.mean(axis=1).tolist() == history["val_accuracy"].tolist()
    assert cross_entropy.mean(axis=1) == pytest.approx(history["val_cross_entropy"].to_numpy(), rel=1e-6)
    # What is right has more than half, or at least the largest part, of three classes.
    assert (cross_entropy[right] <= np.log(3) + 1e-6).all()
    assert (cross_entropy[~right] >= np.log(2) - 1e-6).all()


def test_the_scale_of_the_features_does_not_matter():
    (train_features, train_labels), (val_features, val_labels) = separable(30), separable(12, seed=1)
    plain = fitted()[1]
    scaled = fit.fit(
        (100 * train_features - 50, train_labels),
        (100 * val_features - 50, val_labels),
        3,
        TRAIN,
        "train_baseline",
    )[1]
    assert scaled["val_cross_entropy"].tolist() == pytest.approx(plain["val_cross_entropy"].tolist(), rel=1e-2)


def test_a_feature_that_is_constant_in_training_does_not_drown_the_others():
    (train_features, train_labels), (val_features, val_labels) = separable(30), separable(12, seed=1)
    train_features[:, 7] = 1.0
    model, history, *_ = fit.fit((train_features, train_labels), (val_features, val_labels), 3, TRAIN, "train_baseline")
    assert np.isfinite(model.predict(val_features)).all()
    assert history.iloc[-1]["val_accuracy"] == 1.0


@pytest.mark.parametrize("mixup", [0.0, 0.5])
def test_a_step_goes_down_the_gradient_of_the_batch_or_of_its_mixtures(mixup):
    parameters = {**TRAIN, "optimizer": "sgd", "learning_rate": 0.5, "l2": 0.1, "mixup": mixup}
    features, labels = noise(20, seed=1)
    model = head.Head(features, labels, 3, parameters)
    kernel, bias = (each.astype(float) for each in model.weights())
    [batch] = fit.draw_batches(labels, 1, 8, balanced=True, seed=1)
    shares = fit.draw_shares(1, 8, mixup, seed=1)
    model.advance(batch[None], shares)

    variance = features.astype(float).var(axis=0)
    scaled = (features[batch] - features.astype(float).mean(axis=0)) / np.sqrt(variance + 0.01 * variance.mean())
    targets = np.eye(3)[labels[batch]]
    if mixup:
        own = shares.T.astype(float)
        scaled, targets = (own * each + (1 - own) * np.roll(each, -1, axis=0) for each in (scaled, targets))
    exponents = np.exp(scaled @ kernel + bias)
    error = (exponents / exponents.sum(axis=1, keepdims=True) - targets) / len(batch)
    expected = kernel - 0.5 * (scaled.T @ error + 2 * 0.1 * kernel), bias - 0.5 * error.sum(axis=0)
    for found, wanted in zip(model.weights(), expected, strict=True):
        assert found == pytest.approx(wanted, abs=1e-5)


@settings(deadline=None)
@given(st.integers(1, 50), st.integers(1, 50), st.floats(1e-300, 1e300), st.integers(0, 2**31 - 1))
def test_shares_are_parts_of_a_whole_and_the_same_for_a_seed(steps, size, mixup, seed):
    shares = fit.draw_shares(steps, size, mixup, seed)
    assert (shares.shape, shares.dtype) == ((steps, size), np.float32)
    assert ((shares >= 0) & (shares <= 1)).all()
    assert (shares == fit.draw_shares(steps, size, mixup, seed)).all()


@pytest.mark.parametrize("mixup", [0.2, 1.0, 8.0])
def test_shares_have_the_mean_and_the_variance_of_their_distribution(mixup):
    shares = fit.draw_shares(1000, 100, mixup, seed=3)
    assert shares.mean() == pytest.approx(0.5, abs=0.01)
    assert shares.var() == pytest.approx(1 / (4 * (2 * mixup + 1)), rel=0.02)
    assert (shares != fit.draw_shares(1000, 100, mixup, seed=4)).any()


def test_without_mixup_no_shares_are_drawn():
    assert fit.draw_shares(10, 10, 0.0, seed=1) is None


def test_a_share_of_all_is_no_mixture():
    features, labels = noise(20, seed=1)
    batches = fit.draw_batches(labels, 30, 8, balanced=True, seed=1)
    plain, whole = (head.Head(features, labels, 3, TRAIN) for _ in range(2))
    plain.advance(batches)
    whole.advance(batches, np.ones(batches.shape, np.float32))
    for one, other in zip(plain.weights(), whole.weights(), strict=True):
        assert one == pytest.approx(other, abs=1e-5)


def test_mixup_makes_a_head_less_sure_and_leaves_it_right():
    (mixed, history, _), (_, plain, _) = fitted(mixup=1.0, keep="last"), fitted(keep="last")
    assert history.iloc[-1]["val_accuracy"] == 1.0
    assert history.iloc[-1]["train_cross_entropy"] > 2 * plain.iloc[-1]["train_cross_entropy"]
    again, _, _ = fitted(mixup=1.0, keep="last")
    assert all((one == two).all() for one, two in zip(mixed.weights(), again.weights(), strict=True))


def test_penalties_shrink_the_weights_and_l1_more_so_to_nothing():
    def size(**changed: float) -> float:
        model, _, _ = fitted(keep="last", **changed)
        return float(np.abs(model.weights()[0]).sum())

    free = size()
    assert size(l2=0.1) < 0.6 * free
    assert size(l1=0.1) < 0.6 * free


def test_dropout_changes_the_training_and_not_the_prediction():
    dropped, _, _ = fitted(dropout=0.5)
    plain, _, _ = fitted()
    features, labels = separable(50, seed=9)
    assert (dropped.predict(features) == dropped.predict(features)).all()
    assert any((one != other).any() for one, other in zip(dropped.weights(), plain.weights(), strict=True))
    assert (dropped.predict(features).argmax(axis=1) == labels).all()


def test_the_seed_fixes_the_weights():
    first, second, other = (fitted(dropout=0.3, seed=seed)[0].weights() for seed in (5, 5, 6))
    assert all((one == two).all() for one, two in zip(first, second, strict=True))
    assert any((one != two).any() for one, two in zip(first, other, strict=True))


def test_a_step_on_a_batch_of_ones_own_is_a_step_on_the_same_training_rows():
    features, labels = separable(30)
    batches = fit.draw_batches(labels, 5, 16, balanced=True, seed=1)
    drawn, given = (head.Head(features, labels, 3, {**TRAIN, "l2": 0.1}) for _ in range(2))
    drawn.advance(batches)
    for batch in batches:
        given.learn(features[batch], labels[batch])
    assert all(
        one == pytest.approx(other, abs=1e-6) for one, other in zip(drawn.weights(), given.weights(), strict=True)
    )
    assert (drawn.weights()[0] != head.Head(features, labels, 3, TRAIN).weights()[0]).any()


def test_a_training_that_diverges_says_which_parameter_to_lower():
    with pytest.raises(HuskyError) as error:
        fitted(optimizer="sgd", learning_rate=1e38, l2=1.0)
    message = r"the training diverged before step \d+\. Lower train\.learning_rate in params\.yaml\."
    assert re.fullmatch(message, str(error.value))
