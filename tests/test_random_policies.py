"""random_policies: policies that are drawn alike every time, and that albumentations takes."""

import numpy as np
from huskies.article import random_policies
from huskies.augmentation import policy


def test_a_policy_is_drawn_alike_every_time_and_others_are_others():
    policies = [random_policies.draw(number) for number in range(1, 101)]
    assert policies == [random_policies.draw(number) for number in range(1, 101)]
    assert len({str(each) for each in policies}) > 95
    assert {len(each) for each in policies} == {1, 2, 3, 4}
    assert all(len({step["transform"] for step in each}) == len(each) for each in policies)


def test_every_policy_is_one_that_albumentations_takes_and_that_changes_an_image():
    image = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    for number in range(1, 101):
        augment = policy.build(random_policies.draw(number))
        copies = [augment(image, seed) for seed in range(8)]
        assert {copy.shape for copy in copies} == {image.shape}
        assert any((copy != image).any() for copy in copies)
