"""Small sets of features, drawn from what is known whole, and fresh photos to ask what a gain truly is."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Protocol

import feature_pools
import numpy as np

Random = np.random.Generator

COPIES = feature_pools.COPIES
# Principal components of a pool that are kept.
COMPONENTS = 64
# Fresh photos of each class for the truth, where any number can be drawn.
FRESH = 100
# The share of things that were photographed twice, where there are such, and how far the second shot is from the first.
TWICE, APART = 0.4, 0.3
# The weight of the other photo in a resampled one; that of its own is such that the variance stays.
MIXED = 0.7


@dataclass(frozen=True)
class SmallSet:
    """What was drawn. Features: float64, with a last column of ones.

    labels, groups: int, of each of N photos. originals: N × D. copied: N × copies × D. fresh, fresh_labels: other
    photos of the same classes, which nothing is trained on.
    """

    labels: np.ndarray
    groups: np.ndarray
    originals: np.ndarray
    copied: np.ndarray
    fresh: np.ndarray
    fresh_labels: np.ndarray


class Source(Protocol):
    """What sets are drawn from."""

    def draw(self, random: Random, things: int) -> SmallSet:
        """Return a set of so many things of each class."""


class Finite:
    """The photos of a pool, drawn without replacement; those that are left are the fresh ones."""

    def __init__(self, pool: feature_pools.Pool):
        """Keep the pool by its principal components."""
        self.pool = components(pool)

    def draw(self, random: Random, things: int) -> SmallSet:
        """Return a set of so many photos of each class."""
        labels = self.pool.labels
        mixed = [random.permutation(np.flatnonzero(labels == label)) for label in np.unique(labels)]
        drawn, left = (np.concatenate([each[part] for each in mixed]) for part in (np.s_[:things], np.s_[things:]))
        return SmallSet(
            labels[drawn],
            np.arange(len(drawn)),
            _with_ones(self.pool.originals[drawn]),
            _with_ones(self.pool.copied[drawn]),
            _with_ones(self.pool.originals[left]),
            labels[left],
        )


class Endless(ABC):
    """What makes any number of photos of classes about their means, and second shots that go with the first ones."""

    def __init__(self, centres: np.ndarray, twice: bool):
        """Keep the mean features of each class, classes × D, and whether some things have a second shot."""
        self.centres, self.twice = centres, twice

    @abstractmethod
    def photos(self, random: Random, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return (features N × D, what its copies add to each, N × copies × D) of new photos of these classes."""

    def draw(self, random: Random, things: int) -> SmallSet:
        """Return a set of so many things of each class."""
        centres = self.centres
        labels = np.repeat(np.arange(len(centres)), things)
        originals, added = self.photos(random, labels)
        groups = np.arange(len(labels))
        if self.twice:
            again = groups[random.random(len(groups)) < TWICE]
            others, added_to_others = self.photos(random, labels[again])
            second = originals[again] + APART * (others - centres[labels[again]])
            originals, added = np.concatenate([originals, second]), np.concatenate([added, added_to_others])
            labels, groups = np.concatenate([labels, labels[again]]), np.concatenate([groups, again])
        fresh_labels = np.repeat(np.arange(len(centres)), FRESH)
        return SmallSet(
            labels,
            groups,
            _with_ones(originals),
            _with_ones(originals[:, None] + added),
            _with_ones(self.photos(random, fresh_labels)[0]),
            fresh_labels,
        )


class Resampled(Endless):
    """New photos from those of a pool: the mean of the class, and how two photos differ from theirs, added up.

    One of the two is of the class, the other of any, and its sign is drawn. Copies differ from a photo as those of its
    own class do from theirs.
    """

    def __init__(self, pool: feature_pools.Pool, twice: bool = False):
        """Keep the pool by its principal components."""
        found = components(pool)
        self.members = [np.flatnonzero(found.labels == label) for label in np.unique(found.labels)]
        super().__init__(np.stack([found.originals[each].mean(axis=0) for each in self.members]), twice)
        self.residuals = found.originals - self.centres[found.labels]
        self.added = found.copied - found.originals[:, None]

    def photos(self, random: Random, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return new photos, and what copies add to them."""
        own = np.empty(len(labels), int)
        for label, members in enumerate(self.members):
            own[labels == label] = random.choice(members, (labels == label).sum())
        other = random.integers(0, len(self.residuals), len(labels))
        sign = random.choice([-MIXED, MIXED], len(labels))[:, None]
        residuals = (1 - MIXED**2) ** 0.5 * self.residuals[own] + sign * self.residuals[other]
        return self.centres[labels] + residuals, self.added[own]


class Gaussian(Endless):
    """Classes that are Gaussian about their means, with a variance that falls along the axes; copies add noise.

    apart: how far the means of the classes are apart. noise: of the copies, in standard deviations of the photos.
    """

    def __init__(self, apart: float, noise: float, twice: bool = False, classes: int = 10, dimensions: int = 32):
        """Draw the means of the classes, always the same ones."""
        self.noise, self.deviations = noise, 1 / np.sqrt(1 + np.arange(dimensions) / 4)
        super().__init__(np.random.default_rng(0).normal(0, apart, (classes, dimensions)) * self.deviations, twice)

    def photos(self, random: Random, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return new photos, and what copies add to them."""
        shape = len(labels), len(self.deviations)
        photos = self.centres[labels] + random.normal(0, 1, shape) * self.deviations
        return photos, random.normal(0, self.noise, (shape[0], COPIES, shape[1])) * self.deviations


def components(pool: feature_pools.Pool) -> feature_pools.Pool:
    """Return the pool with its features standardised and turned to their first COMPONENTS principal components."""
    mean, variance = pool.originals.mean(axis=0, dtype=float), pool.originals.var(axis=0, dtype=float)
    deviation = np.sqrt(variance + 0.01 * variance.mean())
    originals, copied = ((each - mean) / deviation for each in (pool.originals, pool.copied))
    turned = np.linalg.svd(originals, full_matrices=False)[2][:COMPONENTS].T
    return feature_pools.Pool(pool.labels, originals @ turned, copied @ turned)


def _with_ones(features: np.ndarray) -> np.ndarray:
    return np.concatenate([features, np.ones((*features.shape[:-1], 1))], axis=-1)
