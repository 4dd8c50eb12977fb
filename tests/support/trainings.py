"""Made-up inputs of both trainings, with features that a head can tell apart."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from conftest import TRAIN, bare_job, write_identity
from huskies import outputs
from huskies.images import manifest, naming
from huskies.job import Job


def row(file: str, split: str, copy: str = "", source: str = "") -> dict[str, str]:
    source_sha256 = hashlib.sha256((source or file).encode()).hexdigest()
    return {
        "file": file,
        "label": file.split("/")[0],
        "split": split,
        "group": source_sha256[:16],
        "source_sha256": source_sha256,
        "copy": copy,
        "sha256": hashlib.sha256(f"pixels of {file}".encode()).hexdigest(),
    }


LABELS = ("10", "2", "NA")
TRAIN_ROWS = [row(f"{label}/train_{number}.jpg", "train") for label in LABELS for number in range(4)]
VAL_ROWS = [row(f"{label}/val_{number}.jpg", "val") for label in LABELS for number in range(3)]
TEST_ROWS = [row(f"{label}/test_9.jpg", "test") for label in LABELS]
COPIES = [
    row(naming.with_copy(each["file"], number), "train", str(number), each["file"])
    for each in TRAIN_ROWS
    for number in range(2)
]


def features_of(rows: pd.DataFrame) -> np.ndarray:
    """Return features that stand for each row's label, and differ from row to row."""
    made = np.zeros((len(rows), 8), np.float32)
    for number, each in enumerate(rows.itertuples()):
        made[number] = np.random.default_rng(int(each.sha256[:8], 16)).normal(0, 0.2, 8)
        made[number, LABELS.index(each.label)] += 3
    return made


def write_bottlenecks(folder: Path, rows: pd.DataFrame) -> None:
    folder.mkdir()
    write_identity(folder)
    np.save(folder / outputs.FEATURES, features_of(rows))
    columns = ["file", "label", "split", "source_sha256", "copy", "sha256"]
    rows[columns].to_csv(folder / outputs.INDEX, index=False, lineterminator="\n")


def make_job(data: Path, stage: str, **changed: Any) -> Job:
    names = ("split", "augment", "bottlenecks_original", "bottlenecks_augmented")
    if not data.exists():
        data.mkdir()
        originals = manifest.make(TRAIN_ROWS + VAL_ROWS + TEST_ROWS)
        tables = {"split": originals, "augment": manifest.make(COPIES)}
        for name, table in tables.items():
            (data / name).mkdir()
            manifest.write(table, data / name / manifest.NAME)
        seen = manifest.read(data / "split" / manifest.NAME)
        write_bottlenecks(data / "bottlenecks_original", seen[seen["split"] != "test"].reset_index(drop=True))
        write_bottlenecks(data / "bottlenecks_augmented", manifest.read(data / "augment" / manifest.NAME))
    output = data / f".{stage}-building"
    output.mkdir()
    return bare_job(
        stage=stage,
        params={"train": {**TRAIN, **changed}},
        inputs={name: data / name for name in names},
        output=output,
    )


def table(job: Job, name: str) -> pd.DataFrame:
    return manifest.read(job.output / name)


CURVES = ["step", "train_accuracy", "train_cross_entropy", "val_accuracy", "val_cross_entropy"]
