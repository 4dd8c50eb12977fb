"""Features of labelled photos and of their augmented copies, from which benchmarks draw small sets."""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from huskies.augmentation import copies
from huskies.backbone import inference
from huskies.images import codec
from huskies.planning import params
from ruamel.yaml import YAML

CORES = os.cpu_count() or 1
COPIES = 5
MOBILENET_V2 = {"name": "MobileNetV2", "arguments": {}, "weights": "imagenet", "input_size": 224}
# Of each set: the backbone, by what differs from params.yaml, and the file that has its policy.
SETS = {
    "digits": ({}, "params.yaml"),
    "flowers": (MOBILENET_V2, "workflow/article/flowers.yaml"),
    "products": (MOBILENET_V2, "workflow/article/flowers.yaml"),
    "letters": ({}, "params.yaml"),
    "hands": (MOBILENET_V2, "workflow/article/flowers.yaml"),
}


@dataclass(frozen=True)
class Pool:
    """Photos to draw from. labels: int N. originals: float32 N × D. copied: float32 N × copies × D."""

    labels: np.ndarray
    originals: np.ndarray
    copied: np.ndarray


def photos(name: str) -> tuple[list[str], list[bytes]]:
    """Return (labels, JPEGs as convert makes them) of the photos of a set, sorted by label and file."""
    folder = Path("data/digits") if name == "digits" else Path(os.environ["HUSKIES_SHARED"], "data", name)
    files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in (".png", ".jpg"))
    if name == "flowers":
        table = pd.read_csv(folder / "flower_labels.csv", dtype=str).set_index("file")["label"]
        labels = [table[file.name] for file in files]
    else:
        labels = [file.parent.name for file in files]
    return labels, [codec.encode(codec.decode(file.read_bytes()), 95) for file in files]


def pool(name: str, kept: Path) -> Pool:
    """Return the pool of a set, computed once and kept as an .npz in the folder `kept`."""
    path = kept / f"{name}.npz"
    if not path.is_file():
        kept.mkdir(parents=True, exist_ok=True)
        np.savez(path, **vars(_compute(name)))
    with np.load(path) as found:
        return Pool(**found)


def _compute(name: str) -> Pool:
    backbone, policy = SETS[name]
    settings = params.load()
    aug = {**YAML(typ="safe").load(Path(policy).read_text(encoding="utf-8"))["aug"], "factor": COPIES, "seed": 1}
    labels, jpegs = photos(name)
    with tempfile.TemporaryDirectory() as folder:
        originals = pd.DataFrame([_write(Path(folder), f"{number}.jpg", jpeg) for number, jpeg in enumerate(jpegs)])
        originals["source_sha256"] = originals["sha256"]
        made = copies.copies_of(originals, Path(folder), aug, 95, CORES, name)
        copied = [
            _write(Path(folder), f"{number}_{copy}.jpg", jpeg)
            for number, each in enumerate(made)
            for copy, jpeg in enumerate(each)
        ]
        rows = [*originals.to_dict("records"), *copied]
        files = [(Path(folder, row["file"]), row["sha256"]) for row in rows]
        computed = inference.compute(settings["backbone"] | backbone, files, CORES)
        features = np.concatenate([each for _, each in computed])
    count = len(jpegs)
    return Pool(pd.factorize(pd.Series(labels))[0], features[:count], features[count:].reshape(count, COPIES, -1))


def _write(folder: Path, file: str, jpeg: bytes) -> dict[str, str]:
    (folder / file).write_bytes(jpeg)
    return {"file": file, "sha256": codec.sha256(jpeg)}
