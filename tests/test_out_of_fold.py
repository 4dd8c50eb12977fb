"""Tests of out-of-fold predictions: who is trained on what, and that nobody is asked about what they have seen."""

import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from conftest import PROJECT, TRAIN, USES_KERAS
from huskies.errors import HuskyError
from huskies.images import folds, groups
from huskies.training import out_of_fold
from hypothesis import given, settings
from hypothesis import strategies as st

pytestmark = USES_KERAS
COPIES = 2


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 40), st.integers(0, 30)), min_size=20, max_size=60),
    st.lists(st.tuples(st.integers(0, 19), st.integers(0, 19)), max_size=4),
    st.integers(2, 3),
    st.integers(0, 2),
)
def test_no_row_is_trained_on_whose_group_is_asked_by_whatever_route(photos, bonds, count, repeat):
    # Two photos may have the same bytes, be siblings by name, be near-duplicates, or be said to be the same thing.
    rows = pd.DataFrame(
        {
            "file": [f"{label}/{number}.jpg" for number, (label, _, _) in enumerate(photos)],
            "label": [label for label, _, _ in photos],
            "source": [f"{label}/{name}_nohash_{number}.jpg" for number, (label, name, _) in enumerate(photos)],
            "source_sha256": [f"{content:02}" for _, _, content in photos],
            "sha256": [f"{content:02}" for _, _, content in photos],
            "group": "",
        }
    )
    pairs = [(rows["file"][one], rows["file"][other]) for one, other in bonds if one != other]
    half = len(pairs) // 2
    rows["group"] = groups.find_groups(rows, pairs[:half], pairs[half:])["group"]
    try:
        fold_of = folds.assign(rows, count, repeat, seed=1)
    except HuskyError:
        return
    source = np.concatenate([np.arange(len(rows)), np.repeat(np.arange(len(rows)), COPIES)])
    for fold in range(count):
        trained = set(source[out_of_fold.trained_on(fold_of, fold, source, len(source))])
        asked = set(np.flatnonzero(fold_of == fold))
        assert trained
        assert asked
        assert not trained & asked
        for column in ("group", "source_sha256", "sha256"):
            assert not set(rows[column][sorted(trained)]) & set(rows[column][sorted(asked)])
        named = rows["label"] + "/" + rows["source"].str.replace(r"_nohash_.*", "", regex=True)
        assert not set(named[sorted(trained)]) & set(named[sorted(asked)])
        for pair in pairs:
            members = set(rows.index[rows["file"].isin(pair)])
            assert not (members & trained and members & asked)


def separable(images: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    labels = np.arange(images) % 3
    features = random.normal(0, 0.3, (images, 8)).astype(np.float32)
    features[np.arange(images), labels] += 3
    return features, labels


def asked(cores: int = 1, copies: int = COPIES, **changed) -> list[np.ndarray]:
    features, labels = separable(24)
    source = np.concatenate([np.arange(24), np.repeat(np.arange(24), copies)])
    copied = features[source[24:]] + np.float32(0.1)
    fold_of = np.stack([np.arange(24) // 3 % 2, np.arange(24) // 6 % 2])
    parts = [features, copied]
    found = out_of_fold.predict(parts, labels, source, fold_of, {**TRAIN, **changed}, cores, "test")
    return [probabilities for probabilities, _ in found]


def test_every_image_is_asked_once_a_repeat_without_and_with_copies():
    found = asked()
    assert [each.shape for each in found] == [(24, 3)] * 4
    assert all(each.sum(axis=1) == pytest.approx(np.ones(24), abs=1e-5) for each in found)
    assert all((each.argmax(axis=1) == np.arange(24) % 3).mean() > 0.8 for each in found)
    assert not np.array_equal(found[0], found[1])
    assert not np.array_equal(found[0], found[2])


def test_rows_that_are_not_kept_teach_nothing_and_all_of_them_teach_what_they_did():
    features, labels = separable(24)
    source = np.concatenate([np.arange(24), np.arange(24)])
    fold_of = np.arange(24)[None] // 3 % 2
    kept = np.ones((1, 2, 48), bool)

    def asked_with(features: np.ndarray, kept: np.ndarray | None) -> list[bytes]:
        parts = [features, features + np.float32(0.1)]
        found = out_of_fold.predict(parts, labels, source, fold_of, TRAIN, 1, "test", kept)
        return [probabilities.tobytes() for probabilities, _ in found]

    assert asked_with(features, kept) == asked_with(features, None)
    # Of what the heads of the first fold are trained on, the last three photos, and their copies.
    kept[0, 0, [21, 22, 23, 45, 46, 47]] = False
    spoilt = features.copy()
    spoilt[21:] = 1000
    for one, other in zip(asked_with(spoilt, kept), asked_with(features, kept), strict=True):
        first, expected = (np.frombuffer(each, np.float32).reshape(24, 3) for each in (one, other))
        # Those of the first fold.
        assert np.array_equal(first[fold_of[0] == 0], expected[fold_of[0] == 0])
    assert asked_with(features, kept) != asked_with(features, None)


def test_the_bits_are_the_same_on_any_number_of_cores():
    for one, other in zip(asked(1), asked(3), strict=True):
        assert one.tobytes() == other.tobytes()


def test_what_is_said_afterwards_is_still_heard():
    # In a process of its own, without TensorFlow yet: two threads that import it at once silence each other.
    script = (
        "import sys, numpy as np; from huskies.training import out_of_fold; labels = np.arange(24) % 3;"
        "features = np.random.default_rng(0).normal(size=(24, 8)).astype(np.float32);"
        f"train = {TRAIN!r};"
        "list(out_of_fold.predict([features], labels, np.arange(24), np.arange(24)[None] // 3 % 2, train, 4, 'test'));"
        "print('heard', file=sys.stderr)"
    )
    environment = {**os.environ, "PYTHONPATH": str(PROJECT / "workflow")}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert done.stderr.endswith("heard\n")


def test_without_copies_both_answers_are_one():
    found = asked(copies=0)
    assert len(found) == 4
    assert found[0].tobytes() == found[1].tobytes()


AUTO = {**TRAIN, "scaling": "discriminants", "shrinkage": "auto", "l2": "auto"}


def chosen_and_answers(features: np.ndarray, labels: np.ndarray, cores: int = 2) -> list:
    fold_of = np.arange(len(labels))[None] // 3 % 4
    return list(out_of_fold.predict([features], labels, np.arange(len(labels)), fold_of, AUTO, cores, "test"))


def test_images_that_are_asked_choose_nothing():
    features, labels = separable(48)
    asked_about = np.arange(48) // 3 % 4 == 2
    others = features.copy()
    others[asked_about] = np.random.default_rng(1).normal(0, 9, (12, 8))
    (one, first), _ = chosen_and_answers(features, labels)
    (other, second), _ = chosen_and_answers(others, labels)
    assert first[2] == second[2]
    swapped = labels.copy()
    swapped[asked_about] = (labels[asked_about] + 1) % 3
    (third, again), _ = chosen_and_answers(features, swapped)
    assert again[2] == first[2]
    # Sums of all rows less those of a fold are those of the others, but for the last bits.
    assert third[asked_about] == pytest.approx(one[asked_about], abs=1e-4)
    assert other[asked_about] != pytest.approx(one[asked_about], abs=1e-2)


def test_each_fold_chooses_by_its_own_training_images_and_the_bits_are_the_same_on_any_number_of_cores():
    features, labels = separable(48)
    (one, first), _ = chosen_and_answers(features, labels, 1)
    (other, second), _ = chosen_and_answers(features, labels, 3)
    assert one.tobytes() == other.tobytes()
    assert first == second
    assert len(first) == 4
    assert all(each["l2"] in (0.001, 0.01, 0.1) and each["shrinkage"] in (0.03, 0.1, 0.3, 0.6) for each in first)


def test_two_folds_leave_nothing_to_choose_by():
    features, labels = separable(24)
    fold_of = np.arange(24)[None] // 3 % 2
    (_, chosen), _ = out_of_fold.predict([features], labels, np.arange(24), fold_of, AUTO, 2, "test")
    assert [(each["shrinkage"], each["l2"]) for each in chosen] == [(0.3, 0.01)] * 2


def test_a_head_that_learnt_labels_by_heart_knows_nothing_of_images_out_of_its_fold():
    random = np.random.default_rng(0)
    features, labels = random.normal(size=(300, 64)).astype(np.float32), random.integers(0, 2, 300)
    fold_of = np.arange(300)[None] % 3
    [(first, _), _] = out_of_fold.predict(
        [features], labels, np.arange(300), fold_of, {**TRAIN, "steps": 300}, 2, "test"
    )
    assert 0.4 < (first.argmax(axis=1) == labels).mean() < 0.6


def test_a_training_that_diverges_is_an_error():
    with pytest.raises(HuskyError, match=r"diverged. Lower train.learning_rate"):
        asked(optimizer="sgd", learning_rate=1e30, l2=1e30)
