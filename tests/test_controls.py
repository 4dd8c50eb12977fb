"""The controls as commands: when their flows are read, and that they run beside the user's own numbers."""

import json

import pandas as pd
import pytest
from conftest import Clone, do

QUICK = ("--config", "train={steps: 24, batch_size: 16}", "noise={images: 40}", "aug={factor: 2}")


def numbers(clone: Clone, path: str) -> dict:
    return json.loads((clone.folder / path).read_text())


def test_who_asks_for_repeats_is_told_what_has_taken_their_place(clone):
    done = clone.run("snakemake", "--cores", "2", "repeats")
    assert done.returncode == 2
    assert "ERROR: there is no target 'repeats' any longer: cross-validation" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.long
@pytest.mark.timeout(900)
def test_noise_and_a_leak_run_through_the_flow_beside_the_users_own_numbers(built):
    before = built.bytes_of("metrics", "split")
    said = do(built, "snakemake", "--cores", "2", "noise", "leakage", *QUICK)
    assert "noise_images: 40 images of noise in 4 classes" in said
    metrics = numbers(built, "data/noise/metrics/metrics.json")
    assert metrics["leaks"] == 0
    assert metrics["augmented"]["images"] == 3 * metrics["baseline"]["images"]
    assert built.bytes_of("metrics", "split") == before
    assert do(built, "git", "status", "--porcelain", "data") == ""
    assert "up to date" in do(built, "dvc", "status")
    assert "Nothing to be done" in do(built, "snakemake", "--cores", "2", "noise", *QUICK)
    assert len(list((built.folder / "logs/noise").glob("metrics-*.log"))) == 1

    # The leak is made and found by the same code.
    assert "augmented_first" in said
    rows = pd.read_csv(built.folder / "data/leakage/leakage/leakage.csv")
    assert rows["run"].tolist() == ["honest", "leaky", "honest", "leaky"]
    assert rows["leaks"][0] == rows["leaks"][2] == 0
    assert numbers(built, "data/leakage/data/leaks/leaks.json")["action"] == "warn"
    assert rows["leaks"][1] > 0
