"""ridge_folds: heads without a fold are those of the other folds' photos, and folds are as the product assigns them."""

import numpy as np
import pytest
import ridge_folds
from small_sets import Gaussian, SmallSet

FOLDS = 5


@pytest.fixture
def drawn() -> SmallSet:
    return Gaussian(0.6, 0.5, twice=True).draw(np.random.default_rng(1), 8)


@pytest.fixture
def fold_of(drawn) -> np.ndarray:
    return ridge_folds.assign(np.random.default_rng(2), drawn.labels, drawn.groups, FOLDS)


def parts(drawn: SmallSet, fold_of: np.ndarray) -> list[ridge_folds.Sums]:
    return [ridge_folds.sums(drawn, np.flatnonzero(fold_of == fold)) for fold in range(FOLDS)]


def whole(drawn: SmallSet) -> ridge_folds.Sums:
    return ridge_folds.sums(drawn, np.arange(len(drawn.labels)))


@pytest.mark.parametrize("left_out", [(0,), (1, 3)])
def test_what_is_left_of_the_whole_is_what_the_other_photos_alone_make(drawn, fold_of, left_out):
    each = parts(drawn, fold_of)
    found = ridge_folds.heads(ridge_folds.left(whole(drawn), *(each[fold] for fold in left_out)))
    others = np.flatnonzero(~np.isin(fold_of, left_out))
    assert found == pytest.approx(ridge_folds.heads(ridge_folds.sums(drawn, others)))


def test_the_second_head_is_the_first_one_of_a_set_with_its_copies_as_photos(drawn):
    copies = drawn.copied.shape[1]
    rows = np.concatenate([drawn.originals, drawn.copied.reshape(-1, drawn.originals.shape[1])])
    labels = np.concatenate([drawn.labels, np.repeat(drawn.labels, copies)])
    none = np.zeros((len(labels), 0, rows.shape[1]))
    all_photos = SmallSet(labels, np.arange(len(labels)), rows, none, drawn.fresh, drawn.fresh_labels)
    assert ridge_folds.heads(whole(drawn))[1] == pytest.approx(ridge_folds.heads(whole(all_photos))[0])


def test_every_photo_is_asked_of_heads_without_its_fold(drawn, fold_of):
    answers, weights = ridge_folds.out_of_fold(drawn, whole(drawn), parts(drawn, fold_of), fold_of)
    for fold, of_fold in enumerate(weights):
        asked = fold_of == fold
        said = (drawn.originals[asked] @ of_fold[1]).argmax(axis=1)
        assert answers[1, asked].tolist() == (said == drawn.labels[asked]).tolist()


def test_without_two_folds_each_photo_has_a_gain_for_every_other_fold(drawn, fold_of):
    gains = ridge_folds.without_two_folds(drawn, whole(drawn), parts(drawn, fold_of), fold_of)
    assert gains.shape == (FOLDS, len(fold_of))
    assert (np.isnan(gains) == (np.arange(FOLDS)[:, None] == fold_of)).all()
    assert set(gains[~np.isnan(gains)]) <= {-1, 0, 1}


@pytest.mark.parametrize("things", [5, 6, 20])
def test_no_class_is_missing_in_a_fold_and_no_group_crosses_one(things):
    drawn = Gaussian(0.6, 0.5, twice=True).draw(np.random.default_rng(things), things)
    for seed in range(20):
        fold_of = ridge_folds.assign(np.random.default_rng(seed), drawn.labels, drawn.groups, FOLDS)
        assert len({*zip(drawn.labels, fold_of, strict=True)}) == FOLDS * (drawn.labels.max() + 1)
        assert len({*zip(drawn.groups, fold_of, strict=True)}) == drawn.groups.max() + 1
