"""photo_budget, next_class: sets grow by photos of their own, methods are counted, and the page shows the counts."""

import next_class
import numpy as np
import pandas as pd
import photo_budget
import pytest
from huskies.statistics import learning_curve
from learning_curves import PHOTOS, curve
from photo_budget import CHOSEN, HEADS, METHODS, MORE
from small_sets import Gaussian


@pytest.mark.parametrize("twice", [False, True])
def test_a_part_of_a_set_has_its_first_things_with_all_their_shots(twice):
    drawn = Gaussian(0.6, 0.5, twice=twice).draw(np.random.default_rng(1), 8)
    half = photo_budget.part(drawn, 4, 8)
    assert len(set(half.groups)) == half.groups.max() + 1 == 40
    assert (half.originals == drawn.originals[drawn.groups % 8 < 4]).all()
    assert (half.labels == half.labels[half.groups]).all()


def test_classes_weigh_the_same_however_many_photos_they_have():
    drawn = Gaussian(0.9, 0.5, classes=2, dimensions=3).draw(np.random.default_rng(1), 30)
    # The photos of the second class, and three times those of the first.
    first, second = (np.flatnonzero(drawn.labels == label) for label in range(2))
    once, often = (photo_budget.balanced(drawn, np.concatenate([*[first] * times, second])) for times in (1, 3))
    for one, other in zip(once, often, strict=True):
        assert other / np.abs(other).max() == pytest.approx(one / np.abs(one).max())


def test_the_chosen_method_is_that_of_the_product_and_all_of_them_agree_that_photos_help():
    rising = curve(tuple(0.95 - 1.2 / PHOTOS))
    found = {name: method(rising, 20) for name, method in METHODS.items()}
    assert found[CHOSEN] == learning_curve.forecast(rising, 20)
    for gain, low, high in found.values():
        assert low <= gain <= high
        assert gain > 0
    assert found["power law, bootstrap alone"][0] == found[CHOSEN][0]


def test_sets_of_which_nothing_is_said_count_as_such_and_nowhere_else():
    found = np.zeros((3, len(HEADS), len(MORE), len(METHODS), 3))
    found[..., 0], found[..., 1], found[..., 2] = 0.02, -0.01, 0.05
    found[0, ..., 1] = 0.01
    brought = np.full((3, len(HEADS), len(MORE)), 0.03)
    brought[1], brought[2] = 0.06, 0.5
    refused = np.zeros((3, len(HEADS)), bool)
    refused[2] = True
    table = photo_budget.summarise(found, brought, refused)
    assert len(table) == len(HEADS) * len(MORE) * len(METHODS)
    row = table.iloc[0]
    assert (row["truth"], row["foretold"], row["coverage"], row["below"], row["above"]) == (4.5, 2.0, 50.0, 0.0, 50.0)
    assert (row["width"], row["tells"], row["refused"]) == (5.0, 50.0, 33.3)


def test_a_row_is_measured_the_same_again():
    source = photo_budget.SOURCES["Gaussian"](None)
    one, other = (photo_budget.measure(source, 10, 2) for _ in range(2))
    pd.testing.assert_frame_equal(one, other)
    assert one["coverage"].between(0, 100).all()


def test_the_class_that_is_worst_is_chosen_by_its_recall():
    rising = curve((0.6, 0.7, 0.8, 0.9))
    labels = (~rising.right[-1, 0]).astype(int)
    assert next_class.recalls(rising, labels)[-1].tolist() == [1, 0]
    assert next_class.WAYS["lowest recall"](rising, labels).argmax() == 1
    assert next_class.foretold(rising, labels)[1] == pytest.approx(0)


def test_a_class_that_gets_photos_is_measured_by_what_all_classes_gain():
    found = next_class.measure(photo_budget.SOURCES["Gaussian"](None), 10, 2)
    assert (found["best"] >= found[["chosen", "any"]].max(axis=1) - 1e-9).all()
    assert set(found["way"]) >= set(next_class.WAYS)


@pytest.mark.parametrize("benchmark", [photo_budget, next_class])
def test_the_page_shows_what_was_measured(benchmark):
    page = benchmark.PAGE.read_text(encoding="utf-8")
    assert benchmark.put(pd.read_csv(benchmark.RESULT), page) == page
