"""candidates: the nearest by features and by coarse pixels, exactly and in any order."""

import tracemalloc

import numpy as np
import pytest
from copies import KINDS, copy, photos
from huskies.backbone.features import Rows
from huskies.images import codec
from huskies.near_duplicates import candidates, comparison, unit_vectors
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays


def features(size: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(size, 16)).astype(np.float32)


def test_the_nearest_by_features_are_those_of_the_largest_cosine():
    rows = features(40)
    standard = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    cosines = standard @ standard.T / np.outer(*[np.linalg.norm(standard, axis=1)] * 2)
    np.fill_diagonal(cosines, -2)
    nearest = candidates.nearest_by_features(rows, 5)
    assert all(len(set(others)) == 5 for others in nearest)
    fifth = np.sort(cosines, axis=1)[:, -5:-4]
    assert (np.take_along_axis(cosines, nearest, axis=1) >= fifth - 1e-3).all()


def test_many_rows_are_gone_through_in_chunks(monkeypatch):
    rows = features(50)
    at_once = candidates.nearest_by_features(rows, 3)
    monkeypatch.setattr(unit_vectors, "_CHUNK", 7)
    monkeypatch.setattr(candidates, "_ROWS", 6)
    assert np.array_equal(candidates.nearest_by_features(rows, 3), at_once)
    assert np.array_equal(candidates.nearest_by_features(rows, 3, cores=4), at_once)


def test_pixels_are_gone_through_in_blocks(monkeypatch):
    thumbnails = np.random.default_rng(0).integers(0, 256, (20, comparison.SIDE, comparison.SIDE, 3)).astype(np.uint8)
    at_once = candidates.nearest_across(thumbnails[:9], thumbnails, 4)
    monkeypatch.setattr(candidates, "_ROWS", 4)
    monkeypatch.setattr(candidates, "_BLOCK", 7)
    assert np.array_equal(candidates.nearest_across(thumbnails[:9], thumbnails, 4), at_once)
    assert np.array_equal(candidates.nearest_across(thumbnails[:9], thumbnails, 4, cores=3), at_once)


@given(arrays(np.int8, (3, 7), elements=st.integers(0, 4)), st.integers(1, 9))
def test_the_nearest_sources_of_equal_products_are_the_first(values, count):
    found = candidates.descending(values.astype(np.float32), count)
    assert np.array_equal(found, np.argsort(-values, axis=1, kind="stable")[:, :count])


@pytest.mark.parametrize(("size", "expected"), [(1, (1, 0)), (2, (2, 1)), (4, (4, 3)), (9, (9, 5))])
def test_few_rows_have_few_neighbours(size, expected):
    nearest = candidates.nearest_by_features(features(size), 5)
    assert nearest.shape == expected
    assert all(row not in others for row, others in enumerate(nearest))


def test_rows_without_any_spread_do_no_harm():
    assert candidates.nearest_by_features(np.ones((3, 4), np.float32), 1).shape == (3, 1)


@pytest.mark.parametrize("kind", KINDS)
def test_the_nearest_by_pixels_is_the_copy_however_it_is_turned_or_cropped(kind):
    pictures = [*photos(), *(copy(kind, photo) for photo in photos())]
    nearest = candidates.nearest_by_pixels(np.stack([codec.resize(each, comparison.SIDE) for each in pictures]), 1)
    count = len(photos())
    assert nearest[:, 0].tolist() == [*range(count, 2 * count), *range(count)]


def test_pairs_are_named_once_and_in_order():
    assert candidates.pairs_within(np.array([[1, 2], [0, 2], [1, 0]])) == {(0, 1), (0, 2), (1, 2)}


def test_the_nearest_sources_are_different_ones_nearest_first():
    trained = np.array([[0.0, 1], [0.1, 1], [1, 0], [-1, -1], [0.9, 0.1]], np.float32)
    sources = np.array([7, 7, 3, 5, 7])
    held_out = np.array([[1, 0.02], [-1, -0.9]], np.float32)
    assert [each.tolist() for each in candidates.nearest_sources(held_out, trained, sources, 2)] == [[3, 7], [5, 7]]
    assert [each.tolist() for each in candidates.nearest_sources(held_out, trained, sources, 9)] == [
        [3, 7, 5],
        [5, 7, 3],
    ]


@pytest.mark.parametrize(("together", "chunk"), [(1, 3), (7, 256), (40, 5)])
def test_rows_to_look_among_are_gone_through_in_blocks_and_may_lie_in_files(monkeypatch, together, chunk):
    held_out, trained = features(12), features(90, seed=1).round()
    sources = np.random.default_rng(2).integers(0, 25, 90)
    at_once = candidates.nearest_sources(held_out, trained, sources, 4)
    monkeypatch.setattr(candidates, "_TOGETHER", together)
    monkeypatch.setattr(candidates, "_CHUNK", chunk)
    monkeypatch.setattr(unit_vectors, "_CHUNK", chunk)
    assert np.array_equal(candidates.nearest_sources(held_out, trained, sources, 4), at_once)
    assert np.array_equal(candidates.nearest_sources(held_out, trained, sources, 4, cores=3), at_once)
    parted = Rows([trained[:30], trained[30:]], np.arange(90))
    assert np.array_equal(candidates.nearest_sources(held_out, parted, sources, 4), at_once)


def test_neighbours_are_kept_without_what_they_were_chosen_from():
    tracemalloc.start()
    candidates.nearest_by_features(features(3000), 2)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # All products at once would be 36 MB, and all that are sorted 72 MB.
    assert peak < 20e6


@pytest.mark.parametrize("kind", KINDS)
def test_copies_are_nearest_across_a_border(kind):
    originals = np.stack([codec.resize(photo, comparison.SIDE) for photo in photos()])
    copies = np.stack([codec.resize(copy(kind, photo), comparison.SIDE) for photo in reversed(photos())])
    assert candidates.nearest_across(copies, originals, 1)[:, 0].tolist() == [*reversed(range(len(photos())))]
    assert candidates.nearest_across(copies[:2], originals, 99).shape == (2, len(photos()))
