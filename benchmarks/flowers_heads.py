"""The heads that benchmarks/flowers.py tries. Each is a list of what makes a classifier; several are averaged.

A linear classifier with a penalty on squares is the same after any rotation of its features. So all are fitted in the
space that the training rows span, which has fewer dimensions than there are features.
"""

from collections.abc import Callable

import numpy as np
from huskies.planning import params
from huskies.training import fit
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, Normalizer

MAX_ITER = 5000


class Standardised(TransformerMixin, BaseEstimator):
    """Features standardised as the head of this project does, with a floor to the variance."""

    def fit(self, rows: np.ndarray, labels: np.ndarray) -> "Standardised":
        """Keep mean and deviation."""
        variance = rows.var(axis=0)
        self.mean_, self.deviation_ = rows.mean(axis=0), np.sqrt(variance + 0.01 * variance.mean())
        return self

    def transform(self, rows: np.ndarray) -> np.ndarray:
        """Return the rows scaled."""
        return (rows - self.mean_) / self.deviation_


class Spanned(TransformerMixin, BaseEstimator):
    """Coordinates in the space that the training rows span."""

    def fit(self, rows: np.ndarray, labels: np.ndarray) -> "Spanned":
        """Keep mean and directions, by the eigenvectors of the small matrix of inner products."""
        self.mean_ = rows.mean(axis=0, dtype=np.float64)
        centred = rows - self.mean_
        values, vectors = np.linalg.eigh(centred @ centred.T)
        spanning = values > 1e-9 * values[-1]
        self.kernel_ = centred.T @ (vectors[:, spanning] / np.sqrt(values[spanning]))
        return self

    def transform(self, rows: np.ndarray) -> np.ndarray:
        """Return the rows in these directions."""
        return (rows - self.mean_) @ self.kernel_


class Whitened(TransformerMixin, BaseEstimator):
    """Features whitened by their shrunk covariance within the classes, in the space that the training rows span.

    discriminants: keep only the directions in which the means of the classes differ.
    """

    def __init__(self, shrinkage: float = 0.5, discriminants: bool = True):
        """Keep the settings, as scikit-learn wants it."""
        self.shrinkage, self.discriminants = shrinkage, discriminants

    def fit(self, rows: np.ndarray, labels: np.ndarray) -> "Whitened":
        """Find the directions."""
        self.span_ = Spanned().fit(rows, labels)
        spanned = self.span_.transform(rows)
        centres = np.stack([spanned[labels == each].mean(axis=0) for each in np.unique(labels)])
        within = spanned - centres[np.unique(labels, return_inverse=True)[1]]
        covariance = within.T @ within / len(rows)
        independent = np.trace(covariance) / rows.shape[1] * np.eye(len(covariance))
        values, vectors = np.linalg.eigh((1 - self.shrinkage) * covariance + self.shrinkage * independent)
        self.kernel_ = vectors / np.sqrt(values)
        if self.discriminants:
            apart = (centres - centres.mean(axis=0)) @ self.kernel_
            self.kernel_ = self.kernel_ @ np.linalg.svd(apart, full_matrices=False)[2][: len(centres) - 1].T
        return self

    def transform(self, rows: np.ndarray) -> np.ndarray:
        """Return the rows in these directions."""
        return self.span_.transform(rows) @ self.kernel_


class Ours(ClassifierMixin, BaseEstimator):
    """The head of this project, as params.yaml has it but for the scaling, and without a choice of the step."""

    def fit(self, rows: np.ndarray, labels: np.ndarray) -> "Ours":
        """Train as the stage train_baseline does; the rows stand for validation too, which then decides nothing."""
        self.classes_, targets = np.unique(labels, return_inverse=True)
        chosen = {"scaling": "discriminants", "shrinkage": 0.5, "l2": 0.01, "keep": "last"}
        parameters = {**params.load()["train"], **chosen}
        known = rows.astype(np.float32), targets
        self.head_ = fit.fit(known, known, len(self.classes_), parameters, "train_baseline")[0]
        return self

    def predict_proba(self, rows: np.ndarray) -> np.ndarray:
        """Return class probabilities."""
        return self.head_.predict(rows.astype(np.float32))


def logistic(strength: float, *before: Callable) -> Callable:
    """Return what makes a logistic regression, with scikit-learn's C and after these transformers."""
    return lambda: make_pipeline(
        *(each() for each in before), Spanned(), LogisticRegression(C=strength, max_iter=MAX_ITER)
    )


def analysis(shrinkage: float) -> Callable:
    """Return what makes a linear discriminant analysis; the shrinkage is towards the span of the training rows."""
    return lambda: make_pipeline(Spanned(), LinearDiscriminantAnalysis(solver="lsqr", shrinkage=shrinkage))


def _roots() -> FunctionTransformer:
    return FunctionTransformer(lambda rows: np.sign(rows) * np.sqrt(np.abs(rows)))


HEADS: dict[str, list[Callable]] = {
    "logistic regression, C = 1": [logistic(1)],
    "C = 10": [logistic(10)],
    "C = 0.1": [logistic(0.1)],
    "C = 0.03": [logistic(0.03)],
    **{f"standardised, C = {each}": [logistic(each, Standardised)] for each in (1, 0.1, 0.01, 0.001)},
    **{f"of length 1, C = {each}": [logistic(each, Normalizer)] for each in (3, 30, 100)},
    "square roots, standardised, C = 0.1": [logistic(0.1, _roots, Standardised)],
    **{f"linear discriminant analysis, shrinkage {each}": [analysis(each)] for each in (0.05, 0.2, 0.5)},
    "whitened, shrinkage 0.5, C = 0.3": [logistic(0.3, lambda: Whitened(0.5, False))],
    **{
        f"discriminants, shrinkage {each}": [logistic(0.3, lambda each=each: Whitened(each))]
        for each in (0.2, 0.5, 0.8)
    },
    "average of standardised and discriminants": [logistic(0.1, Standardised), logistic(0.3, Whitened)],
    "the head of this project": [Ours],
}
