"""comparison: copies of every kind are one with their original, and pictures that look alike are not."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from copies import KINDS, copy, photos
from huskies.errors import HuskyError
from huskies.images import codec
from huskies.near_duplicates import comparison


def seen(image: np.ndarray) -> np.ndarray:
    return codec.resize(image, comparison.SIDE)


def similarity(one: np.ndarray, other: np.ndarray) -> float:
    fit = comparison.first_fit(seen(one), seen(other))
    return comparison.similarity(one, other, fit) if fit else 0.0


def are_one(one: np.ndarray, other: np.ndarray) -> bool:
    return similarity(one, other) > 0


def disc(colour: tuple[int, int, int]) -> np.ndarray:
    picture = np.zeros((96, 96, 3), np.uint8)
    cv2.circle(picture, (40, 52), 25, colour, -1)
    cv2.line(picture, (5, 90), (80, 70), colour, 3)
    return picture


def hand(fingers: list[int], skin: int, wall: int) -> np.ndarray:
    """Return one gesture before one wall: fingers of these lengths, lines in the palm drawn from `skin`."""
    random = np.random.default_rng(skin)
    picture = np.zeros((120, 120, 3), np.float32) + np.linspace(wall, wall + 60, 120)[None, :, None]
    colour = (190.0, 150.0, 120.0)
    cv2.ellipse(picture, (60, 80), (26, 30), 0, 0, 360, colour, -1, cv2.LINE_AA)
    for number, length in enumerate(fingers):
        foot = (42 + 12 * number, 62)
        cv2.line(picture, foot, (foot[0] + 3 * (number - 2), 62 - length), colour, 9, cv2.LINE_AA)
    for _ in range(9):
        one, other = (tuple(int(each) for each in random.integers((40, 60), (80, 105))) for _ in range(2))
        cv2.line(picture, one, other, (150.0, 105.0, 85.0), 1, cv2.LINE_AA)
    return np.clip(picture + random.normal(0, 2, picture.shape), 0, 255).astype(np.uint8)


def smooth() -> list[np.ndarray]:
    """Return pictures with hardly any detail: the photos, blurred as a wall out of focus is."""
    blurred = [cv2.GaussianBlur(photo, (0, 0), blur) for photo in photos() for blur in (8, 12, 20)]
    return [each for each in blurred if each.std(axis=(0, 1)).mean() > 4]


@pytest.mark.parametrize("kind", KINDS)
def test_a_copy_of_a_photo_is_one_with_it(kind):
    assert [are_one(photo, copy(kind, photo)) for photo in photos()] == [True] * len(photos())


@pytest.mark.parametrize("kind", ["resized", "recompressed", "mirrored", "turned by 90"])
def test_a_copy_of_a_smooth_picture_is_one_with_it(kind):
    assert len(smooth()) >= 12
    assert [are_one(each, copy(kind, each)) for each in smooth()] == [True] * len(smooth())


def test_smooth_pictures_are_not_one_with_each_other():
    first = smooth()[::3]
    assert not any(are_one(one, other) for number, one in enumerate(first) for other in first[:number])


def test_one_gesture_of_two_people_before_one_wall_is_not_one():
    first = hand([40, 48, 44, 30], 1, 150)
    assert are_one(first, copy("recompressed", first))
    assert are_one(first, copy("tilted", first))
    assert not are_one(first, hand([36, 50, 40, 33], 2, 150))
    assert not are_one(first, hand([44, 46, 40, 26], 3, 155))


def test_one_place_with_another_small_thing_is_not_one():
    photo = photos()[0]
    with_bird = photo.copy()
    cv2.circle(with_bird, (60, 40), 9, (20, 20, 60), -1, cv2.LINE_AA)
    with_cup = photo.copy()
    cv2.rectangle(with_cup, (70, 60), (86, 80), (230, 230, 250), -1)
    assert not are_one(with_bird, with_cup)


def test_different_windows_of_one_photo_are_not_one():
    pairs = [(one, other) for number, one in enumerate(photos()) for other in photos()[:number]]
    assert len(pairs) == 28
    assert not any(are_one(one, other) for one, other in pairs)


def test_the_search_takes_its_last_steps_only_for_what_might_be_one(monkeypatch):
    searched, search = [], cv2.findTransformECC
    monkeypatch.setattr(cv2, "findTransformECC", lambda *arguments: searched.append(1) or search(*arguments))

    def searches(one: np.ndarray, other: np.ndarray) -> int:
        searched.clear()
        comparison.first_fit(seen(one), seen(other))
        return len(searched)

    assert [searches(photo, copy("cropped", photo)) for photo in photos()] == [2] * len(photos())
    others = [searches(photos()[0], other) for other in photos()[1:]]
    assert sorted(set(others)) in ([1], [1, 2])
    assert others.count(2) <= 1


def test_a_shape_in_two_colours_is_not_one():
    assert are_one(disc((200, 30, 30)), disc((220, 40, 40)))
    assert not are_one(disc((200, 0, 0)), disc((0, 0, 200)))


def test_a_photo_as_a_negative_is_not_one():
    assert not any(are_one(photo, 255 - photo) for photo in photos())


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


@pytest.mark.parametrize("level", [0, 128, 255])
def test_images_of_one_colour_are_not_one_with_anything(level):
    plain = np.full((40, 60, 3), level, np.uint8)
    assert not are_one(plain, plain)
    assert not are_one(plain, photos()[0])
    assert not are_one(photos()[0], plain)


def written(folder: Path, pictures: list[np.ndarray]) -> list[comparison.File]:
    files = []
    for number, each in enumerate(pictures):
        content = codec.encode(each, 95)
        (folder / f"{number}.jpg").write_bytes(content)
        files.append((folder / f"{number}.jpg", codec.sha256(content)))
    return files


def test_pairs_are_compared_in_order_and_alike_on_any_number_of_cores(tmp_path):
    files = written(tmp_path, [each for photo in photos() for each in (photo, copy("cropped", photo))])
    thumbnails = comparison.thumbnails(files, 2)
    pairs = [(one, other) for one in range(16) for other in range(16) if one != other]
    assert len(pairs) > 2 * comparison._PAIRS_A_TASK
    alone = list(comparison.compare_all(files, thumbnails, pairs, 1))
    assert [pair for pair, found in zip(pairs, alone, strict=True) if found] == [
        pair for pair in pairs if pair[0] // 2 == pair[1] // 2
    ]
    assert list(comparison.compare_all(files, thumbnails, pairs, 3)) == alone


def test_only_files_whose_thumbnails_fit_are_read(tmp_path):
    files = written(tmp_path, photos())
    thumbnails = comparison.thumbnails(files, 1)
    for path, _ in files:
        path.unlink()
    pairs = [(one, other) for one in range(8) for other in range(one)]
    assert not any(comparison.compare_all(files, thumbnails, pairs, 1))


def test_no_pairs_are_none():
    assert list(comparison.compare_all([], np.zeros((0, comparison.SIDE, comparison.SIDE, 3), np.uint8), [], 2)) == []
