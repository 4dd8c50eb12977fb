"""optimism: an accuracy on images that had no part in choosing the step, at chance where there is nothing to learn."""

import numpy as np
import pytest
from huskies.statistics import optimism
from scipy.special import log_softmax

DIGESTS = np.array([f"{number:064}" for number in range(20)])


def curves(cross_entropy: list[list[float]], right: list[list[bool]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array(right, bool), np.array(cross_entropy, np.float32)


def guesses(points: int, images: int, random: np.random.Generator, classes: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Return the curves of a head that knows nothing, and guesses anew at every point."""
    scores = log_softmax(random.normal(0, 1, (points, images, classes)), axis=2)
    labels = random.integers(0, classes, images)
    return scores.argmax(axis=2) == labels, -scores[:, np.arange(images), labels].astype(np.float32)


def test_the_choice_that_one_image_tips_is_not_credited_to_that_image():
    # Image 0 prefers the first point so much that it is chosen; without image 0, the second would be.
    right, cross_entropy = curves([[0, 1, 1], [2, 0.5, 0.9]], [[True, True, True], [False, True, False]])
    assert optimism.nested_accuracy(right, cross_entropy, DIGESTS[:3]) == pytest.approx(2 / 3)


def test_a_step_that_all_folds_choose_flatters_nothing():
    random = np.random.default_rng(0)
    right = random.random((5, 20)) < 0.5
    cross_entropy = np.ones((5, 20), np.float32)
    cross_entropy[3] = 0.5
    assert optimism.nested_accuracy(right, cross_entropy, DIGESTS) == right[3].mean()


def test_one_point_leaves_no_choice():
    right, cross_entropy = guesses(1, 20, np.random.default_rng(0))
    assert optimism.nested_accuracy(right, cross_entropy, DIGESTS) == right.mean()


def test_neither_the_order_of_the_images_nor_their_names_matter():
    right, cross_entropy = guesses(30, 20, np.random.default_rng(1))
    order = np.random.default_rng(2).permutation(20)
    assert optimism.nested_accuracy(right[:, order], cross_entropy[:, order], DIGESTS[order]) == (
        optimism.nested_accuracy(right, cross_entropy, DIGESTS)
    )


def test_images_with_the_same_bytes_never_vouch_for_each_other():
    # Eleven images of one content prefer the first point, and the one other image the second.
    right, cross_entropy = curves([[0] * 11 + [1], [1] * 11 + [0]], [[True] * 11 + [True], [False] * 11 + [False]])
    digests = np.array([DIGESTS[0]] * 11 + [DIGESTS[1]])
    assert optimism.nested_accuracy(right, cross_entropy, digests) == pytest.approx(1 / 12)


def test_on_noise_the_kept_step_flatters_and_the_nested_accuracy_is_at_chance():
    random = np.random.default_rng(0)
    kept, nested = [], []
    digests = np.array([f"{number:064}" for number in range(100)])
    for _ in range(60):
        right, cross_entropy = guesses(50, 100, random)
        kept.append(right[cross_entropy.sum(axis=1).argmin()].mean())
        nested.append(optimism.nested_accuracy(right, cross_entropy, digests))
    # Four classes: chance is 0.25, and the standard error of these means is below 0.01.
    assert np.mean(nested) == pytest.approx(0.25, abs=0.025)
    assert np.mean(kept) > 0.3
    assert np.mean(np.subtract(kept, nested)) == pytest.approx(np.mean(kept) - 0.25, abs=0.025)


def test_leads_of_counts_are_those_of_answers_where_no_image_is_asked_twice():
    right = np.random.default_rng(0).random((6, 30)) < 0.7
    assert (optimism.chance_leads(right.astype(int)) == optimism.chance_leads(right)).all()


def test_an_image_that_is_asked_twice_is_dealt_as_one():
    # Two settings, one of which has both answers on the one image that they differ on: whoever gets it leads by one.
    assert set(optimism.chance_leads(np.array([[2, 2, 0], [0, 2, 0]])) * 3) == {1.0}
    # Dealt answer by answer, neither leads in half of the worlds.
    apart = optimism.chance_leads(np.array([[1, 1, 1, 1, 0], [0, 0, 1, 1, 0]])) * 5
    assert sorted(set(apart.round(9))) == [0, 1]
