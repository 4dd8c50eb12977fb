"""Discriminants: what tells the classes apart, from the scatter of the rows and from few rows themselves alike."""

import os
import subprocess
import sys

import numpy as np
import pytest
from conftest import PROJECT
from huskies.backbone.features import Rows
from huskies.training import scatter
from huskies.training.discriminants import OfRows, OfScatter

# Keras 3.15 says this of itself when it saves a model with numpy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")


def blobs(images: int = 60, dimensions: int = 8, classes: int = 4, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return (features, labels) of classes whose features vary together, as many images in each."""
    random = np.random.default_rng(seed)
    labels = np.arange(images) % classes
    mixing = random.normal(size=(dimensions, dimensions))
    features = random.normal(size=(images, dimensions)) @ mixing + 3 * random.normal(size=(classes, dimensions))[labels]
    return features.astype(np.float32), labels


def of_scatter(features, labels, shrinkage: float = 0.5, widths: list[int] | None = None):
    return OfScatter(scatter.of(features, labels, int(labels.max()) + 1), widths).at(shrinkage)


def of_rows(features, labels, shrinkage: float = 0.5, widths: list[int] | None = None):
    return OfRows(features, labels, int(labels.max()) + 1, widths).at(shrinkage)


@pytest.fixture(params=[of_scatter, of_rows])
def discriminants(request):
    """Gives the discriminants of rows, in either way."""
    return request.param


def test_one_discriminant_of_two_classes_by_hand(discriminants):
    # Means (∓2, 0), deviations (±1, 0) and (0, ±1): the covariance is a half of the identity, shrunk or not. Where it
    # is the identity, the means are 2√2 from their middle, and the whole variance is 1 + 8.
    far = np.array([2, 0], np.float32)
    about = np.array([[1, 0], [-1, 0], [0, 1], [0, -1]], np.float32)
    features = np.concatenate([about - far, about + far])
    kernel, bias = discriminants(features, np.repeat([0, 1], 4))
    assert np.abs(kernel) == pytest.approx(np.array([[2**0.5 / 3], [0]]), abs=1e-6)
    assert bias == pytest.approx(np.zeros(1), abs=1e-6)


def test_there_is_one_discriminant_fewer_than_classes_and_no_more_than_features():
    assert of_scatter(*blobs(dimensions=8, classes=4))[0].shape == (8, 3)
    assert of_scatter(*blobs(dimensions=2, classes=4))[0].shape == (2, 2)


def test_centres_keep_their_distances_by_the_shrunk_covariance_within_the_classes(discriminants):
    features, labels = blobs()
    kernel, bias = discriminants(features, labels)
    centres = np.stack([features[labels == label].mean(axis=0) for label in range(4)]).astype(float)
    within = np.cov((features - centres[labels]).T, bias=True)
    shrunk = within / 2 + np.trace(within) / 8 / 2 * np.eye(8)
    gaps = centres[:, None] - centres
    squares = np.einsum("abi,ij,abj->ab", gaps, np.linalg.inv(shrunk), gaps)
    # The mean of all squared distances is twice that to the middle, over three discriminants.
    expected = (squares / (1 + squares.mean() / 2 / 3)) ** 0.5
    reduced = centres @ kernel + bias
    assert np.linalg.norm(reduced[:, None] - reduced, axis=2) == pytest.approx(expected, rel=1e-5, abs=1e-6)
    assert reduced.mean(axis=0) == pytest.approx(np.zeros(3), abs=1e-5)


@pytest.mark.parametrize("shrinkage", [0.03, 1.0])
def test_the_more_it_is_shrunk_the_less_the_covariance_counts(discriminants, shrinkage):
    features, labels = blobs()
    kernel, _ = discriminants(features, labels, shrinkage)
    centres = np.stack([features[labels == label].mean(axis=0) for label in range(4)]).astype(float)
    within = np.cov((features - centres[labels]).T, bias=True)
    shrunk = (1 - shrinkage) * within + shrinkage * np.trace(within) / 8 * np.eye(8)
    # What is orthogonal by the shrunk covariance: discriminants of one length.
    products = kernel.T.astype(float) @ shrunk @ kernel
    assert products == pytest.approx(np.eye(3) * products[0, 0], rel=1e-3, abs=1e-4 * products[0, 0])


def apart(features: np.ndarray, found: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Return how far any two rows are apart in their discriminants, which have no sign of their own."""
    reduced = features @ found[0] + found[1]
    return np.linalg.norm(reduced[:, None] - reduced, axis=2)


def test_a_layer_of_large_numbers_counts_no_more_than_another(discriminants):
    features, labels = blobs(dimensions=8)
    larger = features * np.repeat([1, 1000], [5, 3]).astype(np.float32)
    expected = apart(features, discriminants(features, labels, widths=[5, 3]))
    assert apart(larger, discriminants(larger, labels, widths=[5, 3])) == pytest.approx(expected, abs=1e-3)
    assert apart(larger, discriminants(larger, labels)) != pytest.approx(expected, abs=1e-1)


def test_a_layer_that_never_varies_is_no_hindrance(discriminants):
    features, labels = blobs()
    kernel, _ = discriminants(np.hstack([features, np.full((60, 2), 7, np.float32)]), labels, widths=[8, 2])
    assert np.abs(kernel[-2:]).max() == pytest.approx(0, abs=1e-6)


def test_more_features_than_images_are_no_hindrance(discriminants):
    features, labels = blobs(images=12, dimensions=50)
    kernel, bias = discriminants(features, labels)
    assert kernel.shape == (50, 3)
    reduced = features @ kernel + bias
    centres = np.stack([reduced[labels == label].mean(axis=0) for label in range(4)])
    assert (np.linalg.norm(reduced[:, None] - centres, axis=2).argmin(axis=1) == labels).all()


def test_a_feature_that_never_varies_has_no_weight(discriminants):
    features, labels = blobs()
    kernel, _ = discriminants(np.hstack([features, np.full((60, 1), 7, np.float32)]), labels)
    assert np.abs(kernel[-1]).max() == pytest.approx(0, abs=1e-6)


def test_it_does_not_matter_how_the_rows_lie(monkeypatch):
    features, labels = blobs(images=500)
    monkeypatch.setattr("huskies.backbone.features._TOGETHER", 4 * features.shape[1] * 64)
    together = of_scatter(features, labels)
    apart = of_scatter(Rows([features[:123], features[123:]], np.arange(500)), labels)
    for one, other in zip(together, apart, strict=True):
        assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize("images", [3, 6], ids=["one of each", "two alike of each"])
def test_where_nothing_varies_within_the_classes_their_means_alone_count(discriminants, images):
    features = np.random.default_rng(0).random((3, 5), np.float32)[np.arange(images) % 3]
    found = discriminants(features, np.arange(images) % 3)
    between = np.linalg.norm(features[:3, None] - features[:3], axis=2)
    reduced = apart(features[:3], found)
    assert reduced / reduced.max() == pytest.approx(between / between.max(), abs=1e-5)


def test_features_that_never_vary_tell_nothing_apart(discriminants):
    kernel, bias = discriminants(np.ones((6, 4), np.float32), np.arange(6) % 3)
    assert np.isfinite(kernel).all()
    assert np.ptp(np.ones((6, 4)) @ kernel + bias, axis=0) == pytest.approx(np.zeros(2), abs=1e-6)


@pytest.mark.long
def test_the_same_bits_on_any_number_of_cores():
    script = """
import os, sys
os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[:int(sys.argv[1])]))
import numpy as np
from huskies.images import codec
from huskies.training import discriminants, scatter
random = np.random.default_rng(0)
features = random.random((400, 700), np.float32)
labels = np.arange(400) % 5
ways = discriminants.OfScatter(scatter.of(features, labels, 5), [300, 400]), discriminants.OfRows(features, labels, 5)
print(codec.sha256(b"".join(each.tobytes() for way in ways for each in way.at(0.1))))
"""
    digests = {
        subprocess.run(
            [sys.executable, "-c", script, cores],
            env={**os.environ, "PYTHONPATH": str(PROJECT / "workflow")},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()[-1]
        for cores in ("1", "99")
    }
    assert len(digests) == 1


@pytest.mark.parametrize("shrinkage", [0.001, 0.3, 1.0])
@pytest.mark.parametrize("widths", [None, [20, 30]], ids=["one layer", "two layers"])
def test_few_rows_give_the_discriminants_of_their_scatter(shrinkage, widths):
    features, labels = blobs(images=30, dimensions=50)
    expected = apart(features, of_scatter(features, labels, shrinkage, widths))
    assert apart(features, of_rows(features, labels, shrinkage, widths)) == pytest.approx(expected, rel=1e-4, abs=1e-5)
