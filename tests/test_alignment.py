"""alignment: one image laid over another, however it was turned, moved or zoomed."""

import numpy as np
import pytest
from copies import copy, photos
from huskies.images import codec
from huskies.near_duplicates import alignment

SIDE = 48


def grey(image: np.ndarray) -> np.ndarray:
    return alignment.grey(codec.resize(image, SIDE))


@pytest.mark.parametrize("turn", range(alignment.TURNS))
@pytest.mark.parametrize(("top", "left"), [(0, 0), (0, 4), (3, 1), (4, 4)])
def test_the_search_starts_from_the_turn_and_the_place_where_a_piece_fits(turn, top, left):
    other = np.random.default_rng(0).uniform(0, 255, (16, 16)).astype(np.float32)
    one = np.random.default_rng(1).uniform(0, 255, (16, 16)).astype(np.float32)
    one[2:-2, 2:-2] = alignment.turned(other, turn)[top : top + 12, left : left + 12]
    found = alignment.start(one, other)
    assert (found.turn, found.side) == (turn, 16)
    assert found.matrix.tolist() == [[1, 0, left - 2], [0, 1, top - 2]]


@pytest.mark.parametrize("turn", range(alignment.TURNS))
def test_what_was_only_turned_fits_as_it_is(turn):
    other = grey(photos()[2])
    found = alignment.same_frame(alignment.turned(other, turn), other)
    assert found.turn == turn
    assert np.array_equal(found.matrix, np.eye(2, 3))


def test_a_refined_fit_finds_where_a_crop_was_taken():
    photo = photos()[0]
    one, other = grey(copy("cropped", photo)), grey(photo)
    found = alignment.refine(one, other, alignment.start(one, other), 30)
    # 90 % of each side, from the top and the right.
    assert np.allclose(found.matrix[:, :2], 0.9 * np.eye(2), atol=0.02)
    assert np.allclose(found.matrix[:, 2], [0.1 * SIDE, 0], atol=0.7)


def test_pictures_without_contrast_and_runaway_searches_have_no_fit():
    plain, photo = np.full((SIDE, SIDE), 128, np.float32), grey(photos()[0])
    there = alignment.Fit(0, np.eye(2, 3, dtype=np.float32), SIDE)
    assert alignment.refine(plain, photo, there, 5) is None
    far = alignment.Fit(0, np.array([[1, 0, 40], [0, 1, 40]], np.float32), SIDE)
    assert alignment.refine(photo, grey(photos()[1]), far, 5) is None


def test_a_fit_is_the_same_on_more_pixels():
    matrix = np.array([[0.9, 0.1, 2.0], [-0.1, 0.95, -1.0]], np.float32)
    small = alignment.Fit(3, matrix, SIDE)
    large = alignment.resized(small, 2 * SIDE)
    assert (large.turn, large.side) == (3, 2 * SIDE)
    # A point in parts of the image: the middle of the first pixel is at half a pixel.
    point = np.array([0.3, 0.6])
    places = [
        (each.matrix[:, :2] @ (point * each.side - 0.5) + each.matrix[:, 2] + 0.5) / each.side
        for each in (small, large)
    ]
    assert np.allclose(*places)
    assert np.allclose(alignment.resized(large, SIDE).matrix, matrix, atol=1e-5)


def test_the_common_part_is_what_both_have_without_the_edges():
    whole = alignment.Fit(0, np.eye(2, 3, dtype=np.float32), SIDE).common
    assert whole.sum() == (SIDE - 4) ** 2
    moved = alignment.Fit(0, np.array([[1, 0, 10], [0, 1, 0]], np.float32), SIDE).common
    assert moved.sum() == (SIDE - 4) * (SIDE - 4 - 10)


def test_the_eight_views_are_all_turns_of_an_image_and_of_its_mirror_image():
    image = np.array([[1, 2], [3, 4]], np.uint8)
    found = [alignment.turned(image, turn).ravel().tolist() for turn in range(alignment.TURNS)]
    assert found == [
        [1, 2, 3, 4],
        [2, 4, 1, 3],
        [4, 3, 2, 1],
        [3, 1, 4, 2],
        [2, 1, 4, 3],
        [1, 3, 2, 4],
        [3, 4, 1, 2],
        [4, 2, 3, 1],
    ]
