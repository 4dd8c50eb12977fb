"""neighbours: the nearest are those with the least angle, whatever the length, and the same in any company."""

import numpy as np
import pytest
from huskies.model.neighbours import Neighbours, directions

KNOWN = np.array([[1, 0, 0], [0, 2, 0], [3, 3, 0]], np.float32)


def test_the_nearest_come_first_with_one_less_the_cosine():
    numbers, distances = Neighbours(directions(KNOWN)).nearest(np.array([[5, 0, 0], [1, 1, 0]], np.float32), 2)
    assert numbers.tolist() == [[0, 2], [2, 0]]
    assert distances == pytest.approx(np.array([[0, 1 - 0.5**0.5], [0, 1 - 0.5**0.5]]), abs=1e-3)
    assert (distances >= 0).all()


def test_no_more_are_named_than_are_known_and_nothing_has_no_direction():
    numbers, distances = Neighbours(directions(KNOWN)).nearest(np.zeros((1, 3), np.float32), 9)
    assert numbers.shape == (1, 3)
    assert distances.tolist() == [[1, 1, 1]]


def test_a_photo_has_the_same_distances_in_any_company():
    random = np.random.default_rng(0)
    known, asked = (random.standard_normal((count, 50)).astype(np.float32) for count in (40, 9))
    among = Neighbours(directions(known))
    together = among.nearest(asked, 3)[1]
    assert (together == np.concatenate([among.nearest(asked[[each]], 3)[1] for each in range(9)])).all()
