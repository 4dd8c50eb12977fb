"""Which validation images the heads missed, what these look like to the backbone, and a map of all bottlenecks.

All of it is about originals of train and val; whoever hands in test images is refused.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from huskies.errors import HuskyError, some
from huskies.images import naming
from huskies.near_duplicates import unit_vectors

# Training images that are shown beside a missed one.
NEAREST = 3
_DIGITS = 4
_CHUNK = 256


def refuse_test_images(images: pd.DataFrame) -> None:
    """Raise HuskyError if any of the rows, with the columns file and split, is of a test image."""
    files = images.loc[~images["split"].isin(["train", "val"]), "file"]
    if len(files):
        raise HuskyError(
            f"these images are neither for training nor for validation: {some(sorted(files))}. Test images are looked "
            "at by `snakemake test` alone: give the rows of data/split/manifest.csv whose split is train or val."
        )


def missed_images(validations: dict[str, pd.DataFrame]) -> list[dict[str, Any]]:
    """Return what each head says of every image that any of them missed, by class, the surest mistakes first.

    validations: validation.csv of each head, by its name, which has the probability of every class for every image.
    An image has file, label, heads (name, predicted, probability, right), and probability, the largest that any head
    gave to a wrong class. Raises HuskyError for images that are not for validation.
    """
    for rows in validations.values():
        refuse_test_images(rows.assign(split=[naming.parse_original(file)[1] for file in rows["file"]]))
    wrong = {file for rows in validations.values() for file in rows.loc[rows["label"] != rows["predicted"], "file"]}
    found: dict[str, dict[str, Any]] = {}
    for name, rows in validations.items():
        for _, row in rows[rows["file"].isin(wrong)].iterrows():
            image = found.setdefault(row["file"], {"file": row["file"], "label": row["label"], "heads": []})
            predicted, right = row["predicted"], row["predicted"] == row["label"]
            image["heads"].append(
                {"name": name, "predicted": predicted, "probability": row[f"p_{predicted}"], "right": right}
            )
    for image in found.values():
        image["probability"] = max(float(head["probability"]) for head in image["heads"] if not head["right"])
    return sorted(found.values(), key=lambda image: (image["label"], -image["probability"], image["file"]))


def nearest_training(images: pd.DataFrame, features: np.ndarray, files: list[str]) -> pd.DataFrame:
    """Return columns file, near, label, cosine: the NEAREST training images of each file, nearest first.

    images: rows of data/split/manifest.csv, of train and val. features: float32, their bottlenecks, N × D. The cosine
    is that of bottlenecks whose every feature has mean 0 and spread 1. Raises HuskyError for rows of test.
    """
    refuse_test_images(images)
    images = images.reset_index(drop=True)
    vectors = unit_vectors.comparable(features)
    training = np.flatnonzero(images["split"] == "train")
    trained = vectors[training]
    labels, names = images["label"], images["file"]
    rows = []
    for row in np.flatnonzero(names.isin(files)):
        cosines = trained @ vectors[row] / max(vectors[row] @ vectors[row], 1)
        for place in np.argsort(-cosines, kind="stable")[:NEAREST]:
            near = training[place]
            cosine = round(float(cosines[place]), _DIGITS)
            rows.append((names[row], names[near], labels[near], cosine))
    return pd.DataFrame(rows, columns=["file", "near", "label", "cosine"])


def project(images: pd.DataFrame, features: np.ndarray) -> tuple[pd.DataFrame, tuple[float, float]]:
    """Return (columns file, label, split, x, y; the share of the variance of x and of y): two principal components.

    images, features: as for `nearest_training`; the features may be memory-mapped. A component's sign is such that its
    largest loading is positive, and all is rounded, for the last digits depend on the number of threads. Raises
    HuskyError for rows of test.
    """
    refuse_test_images(images)
    mean = np.mean(features, axis=0, dtype=np.float64)
    loadings, sizes, total = _components(features, mean)
    points, explained = np.zeros((len(features), 2)), [0.0, 0.0]
    for axis, (loading, size) in enumerate(zip(loadings, sizes, strict=True)):
        loading = loading * np.sign(loading[np.abs(loading).argmax()])
        points[:, axis] = np.concatenate([chunk @ loading for chunk in _centred(features, mean)])
        explained[axis] = round(float(size / max(total, np.finfo(float).tiny)), _DIGITS)
    # Adding zero makes minus zero plain.
    x, y = (points.round(_DIGITS) + 0.0).T
    frame = images[["file", "label", "split"]].reset_index(drop=True).assign(x=x, y=y)
    return frame, (explained[0], explained[1])


def _components(features: np.ndarray, mean: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Return (loadings, a row each; sums of squares) of the two largest components, and the sum of squares of all.

    Where there are more rows than dimensions D, what is held beside the features is D × D.
    """
    count, dimensions = features.shape
    if count <= dimensions:
        _, sizes, loadings = np.linalg.svd(features - mean, full_matrices=False)
        return loadings[:2], sizes[:2] ** 2, (sizes**2).sum()
    scatter = np.zeros((dimensions, dimensions))
    for chunk in _centred(features, mean):
        scatter += chunk.T @ chunk
    sizes, vectors = np.linalg.eigh(scatter)
    # The largest come last, and one that is nothing may come out as less.
    return vectors.T[::-1][:2], sizes[::-1][:2].clip(0), np.trace(scatter)


def _centred(features: np.ndarray, mean: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the features less their mean in float64, a few rows at a time."""
    for start in range(0, len(features), _CHUNK):
        yield np.asarray(features[start : start + _CHUNK]) - mean
