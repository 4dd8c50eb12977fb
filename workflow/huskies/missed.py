"""Which validation images the heads missed, what these look like to the backbone, and a map of all bottlenecks.

All of it is about originals of train and val; whoever hands in test images is refused.
"""

import numpy as np
import pandas as pd

from huskies import naming, neighbours
from huskies.errors import HuskyError, some

# Training images that are shown beside a missed one.
NEAREST = 3
_DIGITS = 4


def refuse_test_images(images: pd.DataFrame) -> None:
    """Raise HuskyError if any of the rows, with the columns file and split, is of a test image."""
    files = images.loc[~images["split"].isin(["train", "val"]), "file"]
    if len(files):
        raise HuskyError(
            f"these images are neither for training nor for validation: {some(sorted(files))}. Test images are looked "
            "at by `snakemake test` alone: give the rows of data/split/manifest.csv whose split is train or val."
        )


def missed(head: str, validation: pd.DataFrame) -> pd.DataFrame:
    """Return columns head, file, actual, predicted, p_predicted, p_actual of the images that a head got wrong.

    validation: its validation.csv, which has the probability of every class for every image. The surest mistakes
    come first. Raises HuskyError for images that are not for validation.
    """
    splits = [naming.parse_original(file)[1] for file in validation["file"]]
    refuse_test_images(validation.assign(split=splits))
    wrong = validation[validation["label"] != validation["predicted"]]
    found = pd.DataFrame(
        {
            "head": head,
            "file": wrong["file"],
            "actual": wrong["label"],
            "predicted": wrong["predicted"],
            "p_predicted": [float(row[f"p_{row['predicted']}"]) for _, row in wrong.iterrows()],
            "p_actual": [float(row[f"p_{row['label']}"]) for _, row in wrong.iterrows()],
        }
    )
    return found.sort_values(["p_predicted", "file"], ascending=[False, True], ignore_index=True)


def nearest_training(images: pd.DataFrame, features: np.ndarray, files: list[str]) -> pd.DataFrame:
    """Return columns file, near, label, cosine, same_label: the NEAREST training images of each file, nearest first.

    images: rows of data/split/manifest.csv, of train and val. features: float32, their bottlenecks, N × D. The cosine
    is that of bottlenecks whose every feature has mean 0 and spread 1. Raises HuskyError for rows of test.
    """
    refuse_test_images(images)
    images = images.reset_index(drop=True)
    vectors = neighbours.comparable(features)
    training = np.flatnonzero(images["split"] == "train")
    trained = vectors[training]
    labels, names = images["label"], images["file"]
    rows = []
    for row in np.flatnonzero(names.isin(files)):
        cosines = trained @ vectors[row] / max(vectors[row] @ vectors[row], 1)
        for place in np.argsort(-cosines, kind="stable")[:NEAREST]:
            near = training[place]
            cosine = round(float(cosines[place]), _DIGITS)
            rows.append((names[row], names[near], labels[near], cosine, labels[near] == labels[row]))
    return pd.DataFrame(rows, columns=["file", "near", "label", "cosine", "same_label"])


def project(images: pd.DataFrame, features: np.ndarray) -> tuple[pd.DataFrame, tuple[float, float]]:
    """Return (columns file, label, split, x, y; the share of the variance of x and of y): two principal components.

    images, features: as for `nearest_training`. A component's sign is such that its largest loading is positive, and
    all is rounded, for the last digits depend on the number of threads. Raises HuskyError for rows of test.
    """
    refuse_test_images(images)
    centred = np.asarray(features, np.float64)
    centred = centred - centred.mean(axis=0)
    left, sizes, loadings = np.linalg.svd(centred, full_matrices=False)
    points, explained = np.zeros((len(centred), 2)), [0.0, 0.0]
    for axis in range(min(2, len(sizes))):
        sign = np.sign(loadings[axis, np.abs(loadings[axis]).argmax()])
        points[:, axis] = sign * left[:, axis] * sizes[axis]
        explained[axis] = round(float(sizes[axis] ** 2 / max((sizes**2).sum(), np.finfo(float).tiny)), _DIGITS)
    # Adding zero makes minus zero plain.
    x, y = (points.round(_DIGITS) + 0.0).T
    frame = images[["file", "label", "split"]].reset_index(drop=True).assign(x=x, y=y)
    return frame, (explained[0], explained[1])
