"""sweep_runs: gains on the same images and splits, with intervals over the splits."""

import json
from pathlib import Path

import numpy as np
import pytest
from huskies.article import sweep_runs
from huskies.errors import HuskyError
from sweeps import write_metrics


@pytest.fixture
def inputs(tmp_path) -> dict[str, Path]:
    return write_metrics(tmp_path / "metrics")


def test_a_gain_is_over_no_copies_of_the_same_images_on_the_same_split(inputs):
    runs, answers = sweep_runs.read(inputs)
    found = {(row.policy, row.factor, row.train_per_class, row.split): row.gain for row in runs.itertuples()}
    assert found["light", 1, 4, 1] == 0.25
    assert found["light", 1, 4, 2] == 0.5
    assert found["strong", 1, 4, 1] == -0.25
    assert found["strong", 2, 2, 2] == 0.5
    assert all(gain == 0 for (policy, *_), gain in found.items() if policy == "none")
    assert len(answers) == 20 * 4
    light = answers.query("policy == 'light' and factor == 2 and train_per_class == 4 and split == 2")
    assert light["right"].tolist() == [True, True, False, True]


def test_the_interval_of_a_cell_is_that_of_a_resampled_mean(inputs):
    runs, _ = sweep_runs.read(inputs)
    found = sweep_runs.cells(runs).set_index(["policy", "factor", "train_per_class"])
    # Gains of 1/4 and 1/2; a quarter as many validation as training images; 12.7062 is t's 97.5 % for one degree.
    half = 12.7062 * np.std([0.25, 0.5], ddof=1) * (1 / 2 + 4 / 16) ** 0.5
    light = found.loc["light", 1, 4]
    assert (light["gain"], light["splits"], light["train_images"], light["val_images"]) == (0.375, 2, 16, 4)
    assert (light["low"], light["high"]) == pytest.approx((0.375 - half, 0.375 + half), abs=1e-4)
    assert found.loc["none", 0, 4][["gain", "low", "high"]].isna().tolist() == [False, True, True]


def test_a_run_with_leaks_is_refused(tmp_path):
    (tmp_path / "metrics.json").write_text(json.dumps({"leaks": 2}))
    with pytest.raises(HuskyError) as refused:
        sweep_runs.read({"none/0/5/1": tmp_path})
    assert str(refused.value) == (
        f"{tmp_path}: held-out images leaked into the training (2 of them), so that the sweep would be false. "
        "Set group.near_duplicates to true and leaks.action to fail in params.yaml."
    )
