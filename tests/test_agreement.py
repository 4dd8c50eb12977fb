"""agreement: what copying leaves is nothing, and what another thing shows is much."""

import numpy as np
import pytest
from copies import copy, photos
from huskies.images import codec
from huskies.near_duplicates import agreement, alignment

SIDE = 96
AS_IT_IS = alignment.Fit(0, np.eye(2, 3, dtype=np.float32), SIDE)


def seen(image: np.ndarray) -> np.ndarray:
    return codec.resize(image, SIDE)


def test_an_image_agrees_with_itself():
    for photo in map(seen, photos()):
        correlation, details = agreement.of_details(photo, photo, AS_IT_IS)
        assert correlation == pytest.approx(1)
        assert details > 1
        assert agreement.differing(photo, photo, AS_IT_IS) == 0
        assert agreement.of_all(photo, photo, AS_IT_IS) == 1
        assert agreement.tint(photo, photo, AS_IT_IS) == 0
        assert agreement.of_grain(photo, photo, AS_IT_IS)


def test_images_of_one_colour_show_nothing():
    plain = np.full((SIDE, SIDE, 3), 128, np.uint8)
    correlation, details = agreement.of_details(plain, plain, AS_IT_IS)
    assert correlation == 0
    assert 1 <= details < 2
    assert agreement.of_all(plain, plain, AS_IT_IS) == 0
    assert agreement.differing(plain, plain, AS_IT_IS) == 0
    assert agreement.patterns(plain, plain, AS_IT_IS) == 0


@pytest.mark.parametrize(
    ("details", "correlation"), [(1, 0.967), (20, 0.967), (40, 0.9188), (100, 0.7616), (400, 0.4621)]
)
def test_more_details_need_to_agree_less_closely(details, correlation):
    assert agreement.required(details) == pytest.approx(correlation, abs=5e-5)
    assert agreement.required(details, agreement.OF_SHOTS) > correlation or details <= 20


def test_a_small_thing_in_one_of_two_shots_is_seen_and_compression_is_not():
    photo = seen(photos()[0])
    other = photo.copy()
    other[40:56, 30:46] = (200, 30, 30)
    assert agreement.differing(photo, other, AS_IT_IS) > agreement.DIFFERING
    assert agreement.differing(photo, seen(copy("recompressed", photos()[0])), AS_IT_IS) <= agreement.DIFFERING


def test_brightness_is_no_difference_of_details_nor_of_colour():
    photo = seen(photos()[4]) // 2
    brighter = (photo * 1.4).astype(np.uint8)
    assert agreement.differing(photo, brighter, AS_IT_IS) == 0
    assert agreement.of_all(photo, brighter, AS_IT_IS) == 0
    assert agreement.tint(photo, brighter, AS_IT_IS) < agreement.TINT


def test_another_colour_is_another_tint():
    photo = seen(photos()[5])
    assert agreement.tint(photo, photo[..., ::-1], AS_IT_IS) > agreement.TINT


def sky(seed: int, grain: float) -> np.ndarray:
    random = np.random.default_rng(seed)
    gradient = np.linspace(110, 200, SIDE)[:, None, None] + np.array([0, 10, 25])
    return np.clip(gradient + random.normal(0, grain, (SIDE, SIDE, 3)), 0, 255).astype(np.uint8)


def test_a_sky_agrees_with_its_copy_as_a_whole_and_not_with_another():
    recompressed = codec.decode(codec.encode(sky(1, 0), 35))
    assert agreement.of_all(sky(1, 0), recompressed, AS_IT_IS) > 0.9
    assert agreement.of_all(sky(1, 0), sky(1, 0) + np.uint8(12), AS_IT_IS) == 0


def test_cloth_of_another_grain_under_one_lamp_is_other_cloth():
    assert agreement.of_all(sky(1, 8), sky(2, 8), AS_IT_IS) > 0
    assert not agreement.of_grain(sky(1, 8), sky(2, 8), AS_IT_IS)
    assert agreement.of_grain(sky(1, 1), sky(2, 1), AS_IT_IS)


def test_patterns_are_found_again_where_the_fit_has_them_and_nowhere_else():
    photo = seen(photos()[1])
    found = agreement.patterns(photo, photo, AS_IT_IS)
    assert found >= agreement.PATTERNS
    moved = alignment.Fit(0, np.array([[1, 0, 9], [0, 1, 0]], np.float32), SIDE)
    assert agreement.patterns(photo, photo, moved) < found / 10
    assert agreement.patterns(photo, seen(photos()[2]), AS_IT_IS) < agreement.PATTERNS / 2
