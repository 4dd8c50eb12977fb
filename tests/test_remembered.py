"""remembered: what comparison says of a pair, and each pair asked of it once."""

from pathlib import Path

import numpy as np
import pytest
from copies import copy, photos
from huskies import cache_file
from huskies.backbone import store
from huskies.images import codec
from huskies.near_duplicates import comparison, remembered


@pytest.fixture
def files(tmp_path) -> list[comparison.File]:
    found = []
    for number, picture in enumerate([each for photo in photos()[:4] for each in (photo, copy("turned by 90", photo))]):
        content = codec.encode(picture, 95)
        (tmp_path / f"{number}.jpg").write_bytes(content)
        found.append((tmp_path / f"{number}.jpg", codec.sha256(content)))
    return found


@pytest.fixture
def asked(monkeypatch) -> list[list[tuple[int, int]]]:
    """The pairs of each call of comparison's."""
    calls, compare_all = [], comparison.compare_all

    def compare(files, thumbs, pairs, cores):
        calls.append(list(pairs))
        return compare_all(files, thumbs, pairs, cores)

    monkeypatch.setattr(comparison, "compare_all", compare)
    return calls


PAIRS = [(0, 1), (0, 2), (3, 2), (2, 3), (4, 7), (4, 5)]


def compared(files: list[comparison.File], pairs: list[tuple[int, int]]) -> list[float]:
    return list(remembered.compare_all(files, comparison.thumbnails(files, 1), pairs, 1))


def test_what_is_known_comes_out_as_it_was_to_the_bit_and_is_not_compared_again(files, asked):
    expected = list(comparison.compare_all(files, comparison.thumbnails(files, 1), PAIRS, 1))
    assert [each > 0 for each in expected] == [True, False, True, True, False, True]
    assert compared(files, PAIRS) == expected
    assert compared(files, PAIRS) == expected
    assert asked == [PAIRS, PAIRS, []]


def test_only_new_pairs_are_compared_in_any_order_beside_known_ones(files, asked):
    compared(files, PAIRS[:3])
    found = compared(files, [*reversed(PAIRS)])
    assert asked == [PAIRS[:3], [*reversed(PAIRS[3:])]]
    assert compared(files, PAIRS) == [*reversed(found)]
    assert asked[2] == []


def test_files_are_known_by_their_bytes_and_by_nothing_else(files, asked, tmp_path):
    compared(files, PAIRS)
    moved = tmp_path / "elsewhere.jpg"
    moved.write_bytes(files[2][0].read_bytes())
    elsewhere = [files[3], (moved, files[2][1])]
    assert compared(elsewhere, [(0, 1)])[0] > 0
    assert asked[1] == []
    # The other way round is another comparison.
    compared(files, [(1, 0)])
    assert asked[2] == [(1, 0)]


def test_other_code_asks_again(files, asked, monkeypatch):
    compared(files, PAIRS[:1])
    monkeypatch.setattr(remembered, "_identity", lambda: "of other code")
    compared(files, PAIRS[:1])
    assert asked == [PAIRS[:1]] * 2


def test_a_run_that_ends_early_leaves_what_it_had(files, asked, monkeypatch):
    monkeypatch.setattr(remembered, "_TOGETHER", 2)
    for number, _ in enumerate(remembered.compare_all(files, comparison.thumbnails(files, 1), PAIRS, 1)):
        if number == 3:
            break
    compared(files, PAIRS)
    assert asked[1] == PAIRS[4:]


def test_a_damaged_store_costs_time_and_nothing_else(files, asked):
    expected = compared(files, PAIRS)
    path = Path(cache_file.cache_folder(), store.NAME)
    path.write_bytes(b"damaged" * 1000)
    assert compared(files, PAIRS) == expected
    assert asked == [PAIRS] * 2


def test_no_pairs_ask_for_nothing(files):
    assert list(remembered.compare_all(files, np.zeros((0, 48, 48, 3), np.uint8), [], 1)) == []
