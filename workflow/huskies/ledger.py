"""The ledger of looks at the test set: a line in ledger.csv, kept in git, for every time that test images were scored.

Whoever looks, changes something and looks again has made the test set a second validation set. The ledger cannot
forbid that, and it makes it visible.
"""

import csv
import hashlib
import re
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from huskies import atomic
from huskies.errors import HuskyError

PATH = Path("ledger.csv")
COLUMNS = [
    "when",
    "test_set",
    "images",
    "baseline_head",
    "augmented_head",
    "baseline_val_accuracy",
    "baseline_test_accuracy",
    "augmented_val_accuracy",
    "augmented_test_accuracy",
    "raw",
    "code",
]


def read(path: Path = PATH) -> pd.DataFrame:
    """Return all looks, as text. Raises HuskyError for a ledger that is missing or damaged, as by a merge."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            header, *lines = [line for line in csv.reader(file) if line]
    except (OSError, ValueError, csv.Error):
        header, lines = [], []
    if header != COLUMNS or not all(map(_is_sound, lines)):
        raise HuskyError(
            f"{path}, the ledger of looks at the test set, is missing or damaged. Fix it by hand, or get back the "
            f"last version: git checkout {path}"
        )
    return pd.DataFrame(lines, columns=COLUMNS, dtype=str)


def _is_sound(line: list[str]) -> bool:
    """Return whether a line has all its fields, a time, and accuracies between 0 and 1."""
    if len(line) != len(COLUMNS) or not re.match(r"\d{4}-\d\d-\d\dT", line[0]):
        return False
    try:
        return all(0 <= float(text) <= 1 for name, text in zip(COLUMNS, line, strict=True) if "accuracy" in name)
    except ValueError:
        return False


def append(look: dict[str, object], path: Path = PATH) -> pd.DataFrame:
    """Add a look, with the time in UTC, and return all looks; the file is replaced as a whole or not at all."""
    when = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    looks = pd.concat([read(path), pd.DataFrame([{"when": when, **look}], columns=COLUMNS)], ignore_index=True)
    atomic.write(path, looks.to_csv(index=False, lineterminator="\n").encode())
    return looks


def short_digest(parts: list[str]) -> str:
    """Return the first 16 hexadecimal digits of a sha256 of texts, as the ledger names test sets and heads."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def test_set(images: pd.DataFrame) -> str:
    """Return the name of the test images of a manifest, which follows from their contents before conversion."""
    return short_digest(sorted(images["source_sha256"]))


def count(looks: pd.DataFrame) -> dict[str, int]:
    """Return how many `looks` there were at the test images of the last look, and at how many `models`."""
    same = looks[looks["test_set"] == looks["test_set"].iloc[-1]]
    return {"looks": len(same), "models": len(same[["baseline_head", "augmented_head"]].drop_duplicates())}


def summary(counted: dict[str, int]) -> str:
    """Return a line on what `count` returns."""
    looks, models = counted["looks"], counted["models"]
    if looks == 1:
        return f"the first look at these test images, in {PATH}: commit it"
    return (
        f"look {looks} at these test images, for {models} models, in {PATH}: commit it. "
        "The more looks have led to changes, the less this number is a test"
        if models > 1
        else f"look {looks} at these test images, always for the same model, in {PATH}: commit it"
    )
