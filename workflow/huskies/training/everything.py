"""All images that are not test images, and copies of all of them: what stages train on that hold out each in turn.

Test images come to them only where they are asked for: no stage that reports a number asks.
"""

from collections.abc import Mapping
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
    images = rows_of(inputs["split"], "train", "val")
    tested = rows_of(inputs["split"], "test") if test else images.iloc[:0]
    augmented = manifest.read(inputs["augment"] / manifest.NAME)
    parts, read = [load_features(inputs["bottlenecks_original"], images)[1]], [inputs["bottlenecks_original"]]
    if test:
        parts.append(load_features(test, tested)[1])
        read.append(test)
    _, copied = load_features(inputs["bottlenecks_augmented"], augmented)
    images = pd.concat([images, tested], ignore_index=True)
    held_out = images[images["split"] != "train"] if aug["factor"] else images.iloc[:0]
    folder.mkdir()
    made = copies.write(held_out, inputs["split"], folder, aug, quality, job.cores, job.stage)
    parameters = inference.settle(backbone, inputs["split"])
    identity.check(*read, inputs["bottlenecks_augmented"], computed=identity.of(job, parameters))
    with Store(cache_file.cache_folder()) as store:
        computed, _ = kept.fill(job, store, folder, made, parameters, folder / outputs.FEATURES)
    rows = pd.concat([images, augmented, made], ignore_index=True)
    number_of = {sha256: number for number, sha256 in enumerate(images["source_sha256"])}
    source = rows["source_sha256"].map(number_of).to_numpy()
    return Everything(images, rows, [*parts, copied, computed], source, parameters.get("widths"))
