"""comparison: copies of every kind are one with their original, and pictures that look alike are not."""

import cv2
import numpy as np
import pytest
from copies import KINDS, copy, photos
from huskies.errors import HuskyError
from huskies.images import codec
from huskies.near_duplicates import comparison


def seen(image: np.ndarray) -> np.ndarray:
    return codec.resize(image, comparison.SIDE)


def are_one(one: np.ndarray, other: np.ndarray) -> bool:
    correlation, details = comparison.compare(seen(one), seen(other))
    return correlation >= comparison.required(details)


def disc(colour: tuple[int, int, int]) -> np.ndarray:
    picture = np.zeros((96, 96, 3), np.uint8)
    cv2.circle(picture, (40, 52), 25, colour, -1)
    cv2.line(picture, (5, 90), (80, 70), colour, 3)
    return picture


@pytest.mark.parametrize("kind", KINDS)
def test_a_copy_of_a_photo_is_one_with_it(kind):
    assert [are_one(photo, copy(kind, photo)) for photo in photos()] == [True] * len(photos())


def test_different_windows_of_one_photo_are_not_one():
    pairs = [(one, other) for number, one in enumerate(photos()) for other in photos()[:number]]
    assert len(pairs) == 28
    assert not any(are_one(one, other) for one, other in pairs)


def test_the_search_takes_its_last_steps_only_for_what_might_be_one(monkeypatch):
    searched, search = [], cv2.findTransformECC
    monkeypatch.setattr(cv2, "findTransformECC", lambda *arguments: searched.append(1) or search(*arguments))

    def searches(one: np.ndarray, other: np.ndarray) -> int:
        searched.clear()
        comparison.compare(seen(one), seen(other))
        return len(searched)

    assert [searches(photo, copy("cropped", photo)) for photo in photos()] == [2] * len(photos())
    assert [searches(photos()[0], other) for other in photos()[1:]] == [1] * (len(photos()) - 1)


@pytest.mark.parametrize("turn", range(comparison.TURNS))
@pytest.mark.parametrize(("top", "left"), [(0, 0), (0, 4), (3, 1), (4, 4)])
def test_the_search_starts_from_the_turn_and_the_place_where_a_piece_fits(turn, top, left):
    other = np.random.default_rng(0).uniform(0, 255, (16, 16)).astype(np.float32)
    one = np.random.default_rng(1).uniform(0, 255, (16, 16)).astype(np.float32)
    one[2:-2, 2:-2] = comparison.turned(other, turn)[top : top + 12, left : left + 12]
    found, matrix = comparison._start(one, other)
    assert found == turn
    pixel = comparison.SIDE / 16
    assert matrix.tolist() == [[1, 0, (left - 2) * pixel], [0, 1, (top - 2) * pixel]]


def test_a_shape_in_two_colours_is_not_one():
    assert are_one(disc((200, 30, 30)), disc((220, 40, 40)))
    assert not are_one(disc((200, 0, 0)), disc((0, 0, 200)))


def test_a_photo_as_a_negative_is_not_one():
    assert not any(are_one(photo, 255 - photo) for photo in photos())


def test_an_image_fits_itself_wholly():
    for photo in photos():
        correlation, details = comparison.compare(seen(photo), seen(photo))
        assert correlation == pytest.approx(1)
        assert details > 1


@pytest.mark.parametrize("level", [0, 128, 255])
def test_images_of_one_colour_show_nothing(level):
    plain = np.full((40, 60, 3), level, np.uint8)
    assert comparison.compare(seen(plain), seen(plain)) == (0.0, 1.0)
    assert comparison.compare(seen(plain), seen(photos()[0])) == (0.0, 1.0)
    assert comparison.compare(seen(photos()[0]), seen(plain)) == (0.0, 1.0)
    assert comparison.required(1.0) > 0


@pytest.mark.parametrize(
    ("details", "correlation"),
    [(1, 0.967), (20, 0.967), (40, 0.9560), (100, 0.8337), (400, 0.5370)],
)
def test_more_details_need_to_agree_less_closely(details, correlation):
    assert comparison.required(details) == pytest.approx(correlation, abs=5e-5)


def test_the_eight_views_are_all_turns_of_an_image_and_of_its_mirror_image():
    image = np.array([[1, 2], [3, 4]], np.uint8)
    found = [comparison.turned(image, turn).ravel().tolist() for turn in range(comparison.TURNS)]
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


def test_pairs_are_compared_in_order_and_alike_on_any_number_of_cores():
    thumbnails = np.stack([seen(each) for photo in photos() for each in (photo, copy("cropped", photo))])
    pairs = [(one, other) for one in range(16) for other in range(16) if one != other]
    assert len(pairs) > 2 * comparison._PAIRS_A_TASK
    alone = list(comparison.compare_all(thumbnails, pairs, 1))
    assert alone == [comparison.compare(thumbnails[one], thumbnails[other]) for one, other in pairs]
    assert list(comparison.compare_all(thumbnails, pairs, 3)) == alone


def test_no_pairs_are_none():
    assert list(comparison.compare_all(np.zeros((0, comparison.SIDE, comparison.SIDE, 3), np.uint8), [], 2)) == []


def test_thumbnails_are_the_images_in_small(tmp_path):
    files = []
    for number, photo in enumerate(photos()[:3]):
        content = codec.encode(photo, 95)
        path = tmp_path / f"{number}.jpg"
        path.write_bytes(content)
        files.append((path, codec.sha256(content)))
    found = comparison.thumbnails(files, 2)
    assert found.dtype == np.uint8
    assert np.array_equal(found, [seen(codec.decode(path.read_bytes())) for path, _ in files])
    assert comparison.thumbnails([], 2).shape == (0, comparison.SIDE, comparison.SIDE, 3)


def test_other_bytes_than_the_manifest_s_are_refused(tmp_path):
    path = tmp_path / "cat" / "1.jpg"
    path.parent.mkdir()
    path.write_bytes(codec.encode(photos()[0], 95))
    with pytest.raises(HuskyError) as error:
        comparison.thumbnails([(path, "0" * 64)], 1)
    assert str(error.value) == (
        f"{path} is not the file its manifest lists. Delete {tmp_path} and run the same command again."
    )
