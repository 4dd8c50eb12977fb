"""Executors of Snakemake's for clusters, in a folder that only their own tests tell Snakemake of (Makefile)."""

import os
import sys
from pathlib import Path

import pytest

# That of jobs whose machines see nothing but what they declare is here.
HERE = Path(__file__).parent
INSTALLED = Path(sys.prefix, "executors")


def found(name: str) -> dict[str, str]:
    """Return the environment in which Snakemake finds all executors; skip the test where this one is not installed."""
    if not (INSTALLED / f"snakemake_executor_plugin_{name}").is_dir():
        pytest.skip(f"no executor for {name}: make .venv/test-all")
    return {"PYTHONPATH": os.pathsep.join([str(INSTALLED), str(HERE)])}
