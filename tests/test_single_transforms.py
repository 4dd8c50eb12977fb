"""single_transforms: each transform alone, and the copies that it makes."""

import json
from pathlib import Path

import numpy as np
import pytest
from huskies.augmentation import policy, single_transforms
from huskies.errors import HuskyError
from huskies.images import codec
from hypothesis import given
from hypothesis import strategies as st

AFFINE = {"transform": "Affine", "rotate": [-12, 12], "p": 0.5}
NOISE = {"transform": "GaussNoise"}


def pixels(height: int = 12, width: int = 16, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def battery(name: str, image: np.ndarray, seed: int = 1) -> np.ndarray:
    [trial] = [each for each in single_transforms.of_policy_and_battery([]) if each.name == name]
    return policy.build(json.loads(trial.steps))(image, seed)


def write_images(folder: Path, *sizes: tuple[int, int]) -> list[tuple[Path, str, int]]:
    """Write an image of each size; return (path, sha256, seed) of each."""
    written = []
    for number, size in enumerate(sizes):
        jpeg = codec.encode(pixels(*size, number), 95)
        (folder / f"{number}.jpg").write_bytes(jpeg)
        written.append((folder / f"{number}.jpg", codec.sha256(jpeg), 100 + number))
    return written


def test_every_transform_of_the_policy_is_tried_alone_and_always_applied_then_the_battery():
    tried = single_transforms.of_policy_and_battery([AFFINE, NOISE])
    assert [(each.name, json.loads(each.steps), each.in_policy) for each in tried[:3]] == [
        ("aug.policy.0 Affine", [{"transform": "Affine", "rotate": [-12, 12], "p": 1.0}], True),
        ("aug.policy.1 GaussNoise", [{"transform": "GaussNoise", "p": 1.0}], True),
        ("horizontal flip", [{"transform": "HorizontalFlip", "p": 1.0}], False),
    ]
    assert [each.name for each in tried[2:]] == list(single_transforms.BATTERY)
    assert not any(each.in_policy for each in tried[2:])


def test_what_the_policy_has_with_whatever_probability_is_not_tried_twice():
    tried = single_transforms.of_policy_and_battery([{"transform": "HorizontalFlip", "p": 0.5}])
    assert [each.name for each in tried] == [
        "aug.policy.0 HorizontalFlip",
        *(name for name in single_transforms.BATTERY if name != "horizontal flip"),
    ]


def test_the_policy_that_is_given_is_not_changed():
    configured = [dict(AFFINE)]
    single_transforms.of_policy_and_battery(configured)
    assert configured == [AFFINE]


@given(st.integers(2, 20), st.integers(2, 20), st.integers(0, 2**32 - 1))
def test_flips_and_turns_of_the_battery_are_exact_on_any_shape(height, width, seed):
    image = pixels(height, width)
    assert np.array_equal(battery("horizontal flip", image, seed), image[:, ::-1])
    assert np.array_equal(battery("vertical flip", image, seed), image[::-1])
    for turns, name in enumerate(("turn by 90°", "turn by 180°", "turn by 270°"), start=1):
        assert np.array_equal(battery(name, image, seed), np.rot90(image, turns))


@pytest.mark.parametrize("name", list(single_transforms.BATTERY)[5:])
def test_the_mild_transforms_of_the_battery_change_an_image_and_keep_its_shape(name):
    copies = [battery(name, pixels(40, 30), seed) for seed in range(5)]
    assert {each.shape for each in copies} == {(40, 30, 3)}
    assert len({each.tobytes() for each in copies} | {pixels(40, 30).tobytes()}) == 6


@pytest.mark.parametrize("cores", [1, 2])
def test_a_trial_makes_one_copy_of_each_image_in_order_with_the_image_s_own_seed(tmp_path, cores):
    originals = write_images(tmp_path, (12, 16), (20, 10), (9, 9))
    tried = single_transforms.of_policy_and_battery([NOISE])
    made = list(single_transforms.copies(tried, originals, 90, cores))
    assert [trial for trial, _ in made] == tried
    for trial, copies in made:
        augment = policy.build(json.loads(trial.steps))
        assert copies == [
            codec.encode(augment(codec.decode(path.read_bytes()), seed), 90) for path, _, seed in originals
        ]


def test_a_transform_that_cannot_stand_alone_says_why_and_the_others_are_tried(tmp_path):
    originals = write_images(tmp_path, (40, 40), (12, 16))
    crop = {"transform": "RandomCrop", "height": 32, "width": 32}
    made = dict(single_transforms.copies(single_transforms.of_policy_and_battery([crop, NOISE]), originals, 90, 1))
    by_name = {trial.name: copies for trial, copies in made.items()}
    assert by_name["aug.policy.0 RandomCrop"].startswith("aug.policy does not work on an image of 16 × 12 pixels: ")
    assert all(len(copies) == 2 for name, copies in by_name.items() if "RandomCrop" not in name)


def test_an_image_that_is_not_what_its_manifest_lists_is_refused(tmp_path):
    originals = write_images(tmp_path, (12, 16))
    originals[0][0].write_bytes(codec.encode(pixels(seed=9), 95))
    with pytest.raises(HuskyError, match=r"0\.jpg is not the file its manifest lists\."):
        list(single_transforms.copies(single_transforms.of_policy_and_battery([]), originals, 90, 1))
