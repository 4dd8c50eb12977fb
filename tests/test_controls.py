"""The controls as commands: when their flows are read, and that they run beside the user's own numbers."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest
from conftest import Clone, do
from huskies.images import manifest

QUICK = ("--config", "train={steps: 24, batch_size: 16}", "noise={images: 40}", "repeats={seeds: 2}", "aug={factor: 2}")


def numbers(clone: Clone, path: str) -> dict:
    return json.loads((clone.folder / path).read_text())


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


@pytest.mark.long
@pytest.mark.timeout(900)
def test_repeats_compute_no_bottleneck_twice_and_never_score_a_test_image(built):
    said = do(built, "snakemake", "--cores", "2", "repeats", "--config", "repeats={seeds: 2}")
    counted = re.findall(r"bottlenecks_original: computed (\d+), reused (\d+)", said)
    assert len(counted) == 2
    assert all(int(computed) == 0 for computed, _ in counted)
    tested = set(manifest.read(built.folder / "data/split/manifest.csv").query("split == 'test'")["source_sha256"])
    held_out = []
    for number in (1, 2):
        rows = manifest.read(built.folder / f"data/repeats/{number}/split/manifest.csv")
        assert set(rows.query("split == 'test'")["source_sha256"]) == tested
        held_out.append(frozenset(rows.query("split == 'val'")["source_sha256"]))
    assert len(set(held_out)) > 1
    # A copy of an image has the same bytes in every repeat: none is computed more often than it is made anew.
    copies = set()
    for number in (1, 2):
        copies |= set(manifest.read(built.folder / f"data/repeats/{number}/augment/manifest.csv")["sha256"])
    own = set(manifest.read(built.folder / "data/augment/manifest.csv")["sha256"])
    computed = [int(each) for each in re.findall(r"bottlenecks_augmented: computed (\d+)", said)]
    assert sum(computed) == len(copies - own)
    again = do(built, "snakemake", "--cores", "2", "repeats", "--config", "repeats={seeds: 3}")
    assert re.findall(r"bottlenecks_original: computed (\d+)", again) == ["0"]
    assert len(re.findall(r"^metrics: ", again, re.MULTILINE)) == 1
    assert Path(built.folder / "data/repeats/repeats/table.txt").is_file()
