"""The augmentation policy: refused early where it is wrong; where it is right, a function of image and seed alone."""

import hashlib

import numpy as np
import pytest
from conftest import PROJECT
from huskies.augmentation import policy
from huskies.errors import HuskyError
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML


def noise(height: int = 24, width: int = 32, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def build_refusal(*entries: dict) -> str:
    with pytest.raises(HuskyError) as error:
        policy.build(list(entries))
    return str(error.value)


def use_refusal(image: np.ndarray, entry: dict) -> str:
    augment = policy.build([entry])
    with pytest.raises(HuskyError) as error:
        augment(image, 1)
    return str(error.value)


# What params.yaml came with. It may be changed there; that these pixels stay as they are is what matters here.
DEFAULT = [
    {
        "transform": "Affine",
        "translate_percent": [-0.08, 0.08],
        "rotate": [-12, 12],
        "scale": [0.85, 1.15],
        "shear": [-10, 10],
        "fill": 255,
        "p": 1.0,
    },
    {"transform": "RandomBrightnessContrast", "brightness_limit": 0.1, "contrast_limit": 0.1, "p": 0.5},
    {"transform": "GaussNoise", "std_range": [0.005, 0.02], "p": 0.3},
]


def test_an_empty_policy_leaves_the_image_as_it_is():
    assert np.array_equal(policy.build([])(noise(), 1), noise())


def test_transforms_are_applied_in_order():
    crop = {"transform": "Crop", "x_min": 0, "y_min": 0, "x_max": 4, "y_max": 2, "p": 1.0}
    flip = {"transform": "HorizontalFlip", "p": 1.0}
    assert np.array_equal(policy.build([crop, flip])(noise(), 1), noise()[:2, :4][:, ::-1])
    assert np.array_equal(policy.build([flip, crop])(noise(), 1), noise()[:, ::-1][:2, :4])


def test_arguments_reach_the_transform():
    flip = {"transform": "VerticalFlip"}
    assert np.array_equal(policy.build([flip | {"p": 1.0}])(noise(), 1), noise()[::-1])
    assert np.array_equal(policy.build([flip | {"p": 0.0}])(noise(), 1), noise())


def test_the_image_that_is_given_is_not_changed():
    image = noise()
    image.flags.writeable = False
    augmented = policy.build(DEFAULT)(image, 3)
    assert not np.array_equal(augmented, image)
    assert np.array_equal(image, noise())


def test_the_policy_that_is_given_is_not_changed():
    entry = {"transform": "HorizontalFlip", "p": 1.0}
    policy.build([entry])
    assert entry == {"transform": "HorizontalFlip", "p": 1.0}


def test_the_default_policy_gives_these_pixels_for_ever():
    y, x = np.mgrid[:16, :12]
    image = np.stack([x * 20, y * 15, (x + y) * 9], axis=-1).astype(np.uint8)
    augment = policy.build(DEFAULT)
    assert [hashlib.sha256(augment(image, seed).tobytes()).hexdigest() for seed in (1, 5)] == [
        "fd81120c243802a3583599a0d4be19f4f5f708b2c401931e21eb93dc8f9c54cd",
        "edc57b0be3c6b7a8ca7a48f436c7956979865e9a02e1963758005762861f838b",
    ]


def test_the_policy_of_params_yaml_augments():
    params = YAML(typ="safe").load(PROJECT / "params.yaml")
    augmented = policy.build(params["aug"]["policy"])(noise(), 1)
    assert augmented.dtype == np.uint8
    assert not np.array_equal(augmented, noise())


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2**32 - 1), st.integers(1, 40)), max_size=5), st.integers(0, 2**32 - 1))
def test_the_same_seed_gives_the_same_pixels_whatever_ran_before(before, seed):
    augment = policy.build(DEFAULT)
    for other, side in before:
        augment(noise(side, side, side), other)
    assert np.array_equal(augment(noise(), seed), policy.build(DEFAULT)(noise(), seed))


def test_transforms_of_one_policy_are_drawn_apart():
    halves = [{"transform": name, "p": 0.5} for name in ("HorizontalFlip", "VerticalFlip")]
    image, augment = noise(), policy.build(halves)
    outcomes = [image, image[:, ::-1], image[::-1], image[::-1, ::-1]]
    copies = [augment(image, seed) for seed in range(400)]
    counts = [sum(np.array_equal(copy, each) for copy in copies) for each in outcomes]
    # A quarter each, within four standard deviations.
    assert sum(counts) == 400
    assert all(65 <= count <= 135 for count in counts)


def test_seeds_give_different_pixels():
    augment = policy.build(DEFAULT)
    assert len({augment(noise(), seed).tobytes() for seed in range(50)}) == 50


# What a transform cannot do without.
NEEDED = {
    "AtLeastOneBBoxRandomCrop": {"height": 8, "width": 8},
    "CenterCrop": {"height": 8, "width": 8},
    "Crop": {"x_max": 8, "y_max": 8},
    "CropAndPad": {"px": 2},
    "GridElasticDeform": {"num_grid_xy": [4, 4], "magnitude": 3},
    "LongestMaxSize": {"max_size": 9},
    "RandomCrop": {"height": 8, "width": 8},
    "RandomResizedCrop": {"size": [8, 8]},
    "RandomSizedCrop": {"size": [8, 8], "min_max_height": [4, 8]},
    "Resize": {"height": 8, "width": 8},
    "SmallestMaxSize": {"max_size": 9},
}
# albumentations itself warns against these when they are built, and names another.
DISCOURAGED = {
    "FrequencyMasking": "consider using XYMasking",
    "PiecewiseAffine": "Try to use ``ElasticTransform`` instead",
    "ShiftScaleRotate": "Please use Affine transform instead",
    "TimeMasking": "consider using XYMasking",
    "TimeReverse": "Consider using HorizontalFlip",
}
# They give floats, which the backbone's own preprocessing is to make.
FLOATS = {"FromFloat", "Normalize", "ToFloat"}
NAMES = sorted(policy.transforms())


@pytest.mark.parametrize("name", [name for name in NAMES if name not in DISCOURAGED and name not in FLOATS])
def test_every_transform_gives_an_image_that_depends_on_image_and_seed_alone(name):
    entry = {"transform": name, "p": 1.0, **NEEDED.get(name, {})}
    augment = policy.build([entry])
    image = noise(64, 48)
    first = augment(image, 7)
    augment(image, 8)
    augment(noise(40, 40, 1), 9)

    assert first.dtype == np.uint8
    assert first.ndim == 3
    assert first.shape[2] == 3
    assert np.array_equal(augment(image, 7), first)
    assert np.array_equal(policy.build([entry])(image, 7), first)
    assert np.array_equal(image, noise(64, 48))


@pytest.mark.parametrize("name", DISCOURAGED)
def test_a_transform_that_albumentations_warns_against_is_refused_with_its_advice(name):
    assert DISCOURAGED[name] in build_refusal({"transform": name})


@pytest.mark.parametrize("name", sorted(FLOATS))
def test_what_gives_floats_is_refused_at_use(name):
    kind = "float16" if name == "FromFloat" else "float32"
    assert use_refusal(noise(), {"transform": name, "p": 1.0}) == (
        f"aug.policy gives {kind} pixels of shape (24, 32, 3), which no JPEG can hold. "
        "Remove transforms such as Normalize or ToFloat: the backbone does its own preprocessing."
    )


def test_what_gives_one_channel_is_refused_at_use():
    grey = {"transform": "ToGray", "num_output_channels": 1, "p": 1.0}
    assert use_refusal(noise(), grey).startswith("aug.policy gives uint8 pixels of shape (24, 32), which no JPEG can")


@pytest.mark.parametrize("name", ["Mosaic", "MaskDropout", "BBoxSafeRandomCrop", "CenterCrop3D", "Lambda", "Compose"])
def test_what_wants_more_than_an_image_is_no_transform(name):
    assert name not in NAMES
    assert build_refusal({"transform": name}).startswith(f"aug.policy.0: there is no transform '{name}'.")


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([{"transform": "Rotat"}], "aug.policy.0: there is no transform 'Rotat'. Did you mean 'Rotate'?"),
        (
            [{"transform": "NoOp"}, {"transform": "horizontalflip"}],
            "aug.policy.1: there is no transform 'horizontalflip'. Did you mean 'HorizontalFlip'?",
        ),
        ([{"transform": "zzzqqq"}], "aug.policy.0: there is no transform 'zzzqqq'."),
        (
            [{"transform": "Rotate", "limits": 3}],
            "aug.policy.0: Rotate has no argument 'limits'. Did you mean 'limit'?",
        ),
        (
            [{"transform": "Rotate", "p": 1.5}],
            "aug.policy.0: Rotate does not take these values: "
            "1 validation error for InitSchema; p; Input should be less than or equal to 1",
        ),
        (
            [{"transform": "GaussNoise", "std_range": [0.5, 7]}],
            "aug.policy.0: GaussNoise does not take these values: "
            "1 validation error for InitSchema; std_range; Value error, All values in (0.5, 7.0) must be >= 0 and <= 1",
        ),
        (
            [{"transform": "NoOp"}, {"transform": "RandomCrop", "height": 8}],
            "aug.policy.1: RandomCrop does not take these values: "
            "1 validation error for InitSchema; width; Field required",
        ),
    ],
)
def test_a_wrong_policy_is_refused_with_its_place_and_the_nearest_name(entries, message):
    assert build_refusal(*entries) == message


def test_a_crop_larger_than_the_image_is_refused_with_both_sizes():
    assert use_refusal(noise(16, 12), {"transform": "RandomCrop", "height": 20, "width": 10, "p": 1.0}) == (
        "aug.policy does not work on an image of 12 × 16 pixels: Crop size (height, width) exceeds image dimensions "
        "(height, width): (20, 10) vs (16, 12). Change it in params.yaml."
    )


@pytest.mark.parametrize("name", ["GridDistortion", "Superpixels", "PlasmaShadow", "CenterCrop"])
def test_an_image_too_small_for_a_transform_is_refused(name):
    message = use_refusal(noise(1, 1), {"transform": name, "p": 1.0, **NEEDED.get(name, {})})
    assert message.startswith("aug.policy does not work on an image of 1 × 1 pixels: ")


def test_the_ends_of_a_range_are_told_for_what_is_given_and_for_what_is_left_out():
    entry = {"transform": "Affine", "rotate": [-20, 20], "scale": [0.8, 1.0], "border_mode": 1, "p": 0.2}
    held = {"transform": "Affine", "border_mode": 1, "p": 1.0}
    assert policy.extremes(entry) == [
        ("rotate -20", {**held, "rotate": [-20.0, -20.0], "scale": [0.9, 0.9]}),
        ("rotate 20", {**held, "rotate": [20.0, 20.0], "scale": [0.9, 0.9]}),
        ("scale 0.8", {**held, "rotate": [0.0, 0.0], "scale": [0.8, 0.8]}),
        ("scale 1", {**held, "rotate": [0.0, 0.0], "scale": [1.0, 1.0]}),
    ]
    assert [caption for caption, _ in policy.extremes({"transform": "RandomGamma"})] == [
        "gamma_limit 80",
        "gamma_limit 120",
    ]


@pytest.mark.parametrize(
    "entry",
    [
        {"transform": "HorizontalFlip"},
        {"transform": "CLAHE", "clip_limit": [2.0, 2.0], "tile_grid_size": [4, 8]},
        {"transform": "CoarseDropout", "num_holes_range": [1, 1], "hole_height_range": [0.2, 0.2],
         "hole_width_range": [0.3, 0.3]},
        # It holds its range in another form than it takes it.
        {"transform": "AdditiveNoise"},
    ],
)  # fmt: skip
def test_what_is_no_range_has_no_ends(entry):
    assert policy.extremes(entry) == []


def test_every_end_of_every_transform_is_an_image_and_always_the_same():
    image = np.random.default_rng(0).integers(0, 256, (64, 48, 3), np.uint8)
    told = 0
    for name in policy.transforms():
        entry = {"transform": name}
        try:
            policy.build([entry])
        # Some want arguments, and some are deprecated.
        except HuskyError:
            continue
        for caption, fixed in policy.extremes(entry):
            change = policy.build([fixed])
            assert change(image, 1).dtype == np.uint8, (name, caption)
            assert (change(image, 1) == change(image, 1)).all(), (name, caption)
            told += 1
    assert told > 100
