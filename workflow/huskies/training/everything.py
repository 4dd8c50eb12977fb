"""All images that are not test images, and copies of all of them: what stages train on that hold out each in turn.

Test images come to them only where they are asked for: no stage that reports a number asks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from huskies import cache_file, outputs
from huskies.augmentation import copies
from huskies.backbone import identity, inference, kept
from huskies.backbone.features import load_features, rows_of
from huskies.backbone.store import Store
from huskies.images import manifest
from huskies.job import Job


@dataclass(frozen=True)
class Everything:
    """All that is trained on or asked: images, then their copies.

    images: their rows of data/split/manifest.csv. rows: those of the images and of all copies, of either manifest.
    features: float32 parts, in all a row for each of `rows`. source: int, the image that each of `rows` descends from.
    widths: how many of the features are of each layer, None for one layer.
    """

    images: pd.DataFrame
    rows: pd.DataFrame
    features: list[np.ndarray]
    source: np.ndarray
    widths: list[int] | None = None

    @property
    def labels(self) -> np.ndarray:
        """The number of each image's class, int, in the order of the classes' names."""
        return pd.factorize(self.images["label"], sort=True)[0]


def gather(
    job: Job,
    folder: Path,
    aug: dict[str, Any],
    backbone: dict[str, Any],
    quality: int,
    inputs: Mapping[str, Path],
    test: Path | None = None,
) -> Everything:
    """Return the images and copies with their bottlenecks, all of one identity; what is not known yet is computed.

    folder: made here for the copies of held-out images, which no other stage makes; what is returned reads from it.
    aug, backbone: sections of params.yaml. quality: of the copies' JPEGs. inputs: the folders of split, augment and the
    bottlenecks of both. test: the folder of the test images' bottlenecks, where they are to be among the images, after
    the others.
    """
    images, augmented, made = with_copies(job, folder, aug, quality, inputs, with_test=test is not None)
    tested = images["split"] == "test"
    _, original = load_features(inputs["bottlenecks_original"], images[~tested])
    parts, read = [original], [inputs["bottlenecks_original"], inputs["bottlenecks_augmented"]]
    if test:
        parts.append(load_features(test, images[tested])[1])
        read.append(test)
    _, copied = load_features(inputs["bottlenecks_augmented"], augmented)
    parameters = inference.settle(backbone, inputs["split"])
    identity.check(*read, computed=identity.of(job, parameters))
    with Store(cache_file.database_folder()) as store:
        computed, _ = kept.fill(job, store, folder, made, parameters, folder / outputs.FEATURES)
    return _together((images, augmented, made), [*parts, copied, computed], parameters)


def with_copies(
    job: Job, folder: Path, aug: dict[str, Any], quality: int, inputs: Mapping[str, Path], with_test: bool = False
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return the manifest rows of the images, of the copies of training images, and of those of held-out images.

    The last are made here, in `folder`; otherwise as for `gather`. with_test: whether test images are among the images.
    """
    splits = [("train", "val"), ("test",)] if with_test else [("train", "val")]
    images = pd.concat([rows_of(inputs["split"], *each) for each in splits], ignore_index=True)
    augmented = manifest.read(inputs["augment"] / manifest.NAME)
    held_out = images[images["split"] != "train"] if aug["factor"] else images.iloc[:0]
    folder.mkdir()
    made = copies.write(held_out, inputs["split"], folder, aug, quality, job.cores, job.stage)
    return images, augmented, made


def seen_by(
    job: Job, parameters: dict[str, Any], folders: Sequence[Path], rows: Sequence[pd.DataFrame], output: Path
) -> Everything:
    """Return images and copies with the bottlenecks of any backbone; what is not known yet is computed.

    parameters: the section `backbone`, settled. folders, rows: where the images and both kinds of copies lie, and their
    manifest rows, as `with_copies` returns them. output: an empty folder to which features are written.
    """
    with Store(cache_file.database_folder()) as store:
        features = [
            kept.fill(job, store, folder, part, parameters, output / f"{number}.npy")[0]
            for number, (folder, part) in enumerate(zip(folders, rows, strict=True))
        ]
    return _together(rows, features, parameters)


def _together(rows: Sequence[pd.DataFrame], features: list[np.ndarray], parameters: dict[str, Any]) -> Everything:
    images, every = rows[0], pd.concat(rows, ignore_index=True)
    number_of = {sha256: number for number, sha256 in enumerate(images["source_sha256"])}
    source = every["source_sha256"].map(number_of).to_numpy()
    return Everything(images, every, features, source, parameters.get("widths"))
