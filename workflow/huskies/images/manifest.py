"""Manifests: one CSV row for every image of a stage, with its lineage.

Every value is text, and an absent one is the empty string, so that a label "007" or "NA" survives the trip.
"""

from pathlib import Path

import pandas as pd

from huskies.errors import HuskyError

COLUMNS = ["file", "label", "split", "group", "source_sha256", "copy", "sha256"]
NAME = "manifest.csv"
# The tables that group hands on to split.
GROUPS = "groups.csv"
CONFLICTS = "conflicts.csv"


def write(rows: pd.DataFrame, path: Path) -> None:
    """Write rows sorted by file, so that the bytes do not depend on the order in which they were made."""
    rows.sort_values("file", kind="stable").to_csv(path, index=False, lineterminator="\n")


def read(path: Path) -> pd.DataFrame:
    """Read a CSV of text columns. Raises HuskyError if it is missing."""
    if not path.is_file():
        raise HuskyError(f"{path} is missing. Delete the folder {path.parent} and run the same command again.")
    return pd.read_csv(path, dtype=str, keep_default_na=False, na_filter=False)


def make(rows: list[dict[str, str]], extra: list[str] | None = None) -> pd.DataFrame:
    """Return a frame with the contract's columns first, then `extra`, for any number of rows, none included."""
    return pd.DataFrame(rows, columns=[*COLUMNS, *(extra or [])], dtype=str).fillna("")
