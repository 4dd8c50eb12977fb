"""A classifier as a folder, complete in itself: what `final` writes and `predict` reads. Nothing in it is code.

classifier.npz: the arrays of Classifier. neighbours.npy: the directions of the photos that were trained on, float16,
and photos.csv: which they are. backbone.weights.h5, or another ending: the backbone's weights. final.json: all else.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from huskies import outputs, receipt
from huskies.backbone import architectures
from huskies.errors import HuskyError, some
from huskies.images import manifest
from huskies.model.classifier import Classifier
from huskies.model.neighbours import Neighbours

FORMAT = 1
ARRAYS, DIRECTIONS, PHOTOS = "classifier.npz", "neighbours.npy", "photos.csv"
_PARTS = (ARRAYS, DIRECTIONS, PHOTOS, outputs.LABELS, outputs.FINAL)
_AGAIN = "Get the whole folder again (dvc pull, or snakemake --cores all final)."


@dataclass(frozen=True)
class Model:
    """A classifier that is ready to be asked.

    numbers: what final.json says. backbone: the section `backbone`, settled, with the path of its weights. photos: the
    file, label, source and sha256 of each photo that was trained on, in the order of the neighbours.
    """

    labels: list[str]
    classifier: Classifier
    neighbours: Neighbours
    photos: pd.DataFrame
    numbers: dict[str, Any]
    backbone: dict[str, Any]


def write(folder: Path, head: Classifier, directions: np.ndarray, photos: pd.DataFrame, numbers: dict) -> None:
    """Write a classifier, but for the weights of its backbone; the bytes depend on what is given and nothing else.

    directions: of the photos. numbers: as final.json has them, the format excepted.
    """
    np.savez(folder / ARRAYS, **asdict(head))
    np.save(folder / DIRECTIONS, directions)
    photos.to_csv(folder / PHOTOS, index=False, lineterminator="\n")
    (folder / outputs.LABELS).write_text("".join(f"{each}\n" for each in numbers["labels"]), encoding="utf-8")
    (folder / outputs.FINAL).write_text(json.dumps({"format": FORMAT, **numbers}, indent=1) + "\n", encoding="utf-8")


def read(folder: Path) -> Model:
    """Return the classifier in a folder.

    Raises HuskyError for a folder that is none, of another format, half of one, changed since it was made, or whose
    parts speak of different labels.
    """
    numbers = _numbers(folder)
    _check_bytes(folder)
    with np.load(folder / ARRAYS, allow_pickle=False) as arrays:
        head = Classifier(**{name: arrays[name] for name in Classifier.__dataclass_fields__})
    labels = (folder / outputs.LABELS).read_text(encoding="utf-8").splitlines()
    if not labels == numbers["labels"] or len(labels) != len(head.bias):
        raise HuskyError(
            f"the parts of {folder} have different labels: {outputs.LABELS} {len(labels)}, {outputs.FINAL} "
            f"{len(numbers['labels'])}, {ARRAYS} {len(head.bias)}. {_AGAIN}"
        )
    weights = str((folder / numbers["weights"]).resolve())
    photos = manifest.read(folder / PHOTOS)
    known = Neighbours(np.load(folder / DIRECTIONS, allow_pickle=False))
    return Model(labels, head, known, photos, numbers, {**numbers["backbone"], "weights": weights})


def _numbers(folder: Path) -> dict[str, Any]:
    path = folder / outputs.FINAL
    if not path.is_file():
        raise HuskyError(f"{folder} is no classifier: it has no {outputs.FINAL}. Make one: snakemake --cores all final")
    try:
        numbers = json.loads(path.read_text(encoding="utf-8"))
        found = numbers["format"]
    except (ValueError, KeyError, TypeError):
        raise HuskyError(f"{path} cannot be read. {_AGAIN}") from None
    if found != FORMAT:
        raise HuskyError(
            f"{folder} is of format {found}, and this version reads {FORMAT}. Use the version of Two Huskies that made "
            "it, or make it again: snakemake --cores all final"
        )
    weights, name = numbers["weights"], numbers["backbone"]["name"]
    known = name in architectures.modules() or architectures.is_network(str((folder / weights).resolve()))
    if Path(weights).name != weights or not known:
        raise HuskyError(f"{path} names what no such folder has. {_AGAIN}")
    absent = [each for each in (*_PARTS, weights) if not (folder / each).exists()]
    if absent:
        raise HuskyError(f"{folder} is half a classifier: it lacks {some(absent)}. {_AGAIN}")
    return numbers


def _check_bytes(folder: Path) -> None:
    made = receipt.read(folder)
    if made is None:
        raise HuskyError(f"{folder} is half a classifier: it lacks its receipt, which tells its files. {_AGAIN}")
    found = receipt.digests(folder)
    wrong = sorted(file for file, digest in made["outputs"].items() if found.get(file) != digest)
    if wrong:
        raise HuskyError(f"{folder} is not as its receipt says: {some(wrong)}. {_AGAIN}")
