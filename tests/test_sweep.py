"""sweep: what is said of the numbers, and that the flows run and share what they can."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import CLASSES, IMAGES_A_CLASS, Clone, bare_job, do
from huskies.article import sweep, sweep_flows, sweep_runs
from huskies.images import manifest
from PIL import Image
from sweeps import SMALL, write, write_metrics


@pytest.fixture
def inputs(tmp_path) -> dict[str, Path]:
    return write_metrics(tmp_path / "metrics")


def test_runs_on_one_split_are_averaged_before_splits_are_compared(inputs):
    runs, _ = sweep_runs.read(inputs)
    mean, low, high = sweep_runs.mean_gain(runs.query("policy == 'light' and train_per_class == 4"), 0.25)
    half = 12.7062 * np.std([0.375, 0.5], ddof=1) * 0.75**0.5
    assert (mean, low, high) == pytest.approx((0.4375, 0.4375 - half, 0.4375 + half), abs=1e-4)


TEXT = """\
MobileNetV2, validation accuracy without copies: 12.5% with 2, 37.5% with 4 training images of each class, in the \
mean of 2 splits with 4 validation images each.
Below are gains over that, in points, with 95 % intervals for the mean over splits.

By copies of each image, with 4 training images of each class:

|  | 1 | 2 | mean |
| --- | ---: | ---: | ---: |
| light | +37.5 (-157.0 to +232.0) | +50.0 | +43.8 (-53.5 to +141.0) |
| strong | -12.5 (-207.0 to +182.0) | +0.0 | -6.2 (-103.5 to +91.0) |
| mean | +12.5 (-182.0 to +207.0) | +25.0 | +18.8 (-78.5 to +116.0) |

By training images of each class, with 2 copies of each, and mixup with none:

|  | 2 | 4 | mean |
| --- | ---: | ---: | ---: |
| light | +25.0 | +50.0 | +37.5 |
| strong | +37.5 (-157.0 to +232.0) | +0.0 | +18.8 (-78.5 to +116.0) |
| mixup | +0.0 | +12.5 (-182.0 to +207.0) | +6.2 (-91.0 to +103.5) |
| mean | +31.2 (-66.0 to +128.5) | +25.0 | +28.1 (-20.5 to +76.8) |

An interval of one cell is ± 194.5 points in the median. Of 8 cells, 0 have one above 0, and 0 one below; luck would \
make about 0 of each.
The best of 6 settings, light at factor 2, is right in 87.5%, and all in the mean in 52.1%: it leads by 35.4 points. \
Chance alone would let the best lead by 17.8 points, and in 95 % of cases by at most 35.4, so that its lead is \
within luck.
"""


def test_the_table_has_the_gains_the_width_of_their_intervals_and_what_luck_does(inputs, tmp_path):
    (tmp_path / "out").mkdir()
    parameters = {"backbone": {"name": "MobileNetV2"}}
    job = bare_job("sweep", tmp_path / "out", params=parameters, inputs=dict(reversed(inputs.items())))
    assert sweep.run(job) == f"\n{TEXT.rstrip()}"
    assert (tmp_path / "out/table.md").read_text() == TEXT
    assert len(pd.read_csv(tmp_path / "out/runs.csv")) == 20
    assert len(pd.read_csv(tmp_path / "out/sweep.csv")) == 10
    first = (tmp_path / "out/sweep.png").read_bytes()
    with Image.open(tmp_path / "out/sweep.png") as picture:
        assert picture.size == (1750, 750)
    sweep.run(job)
    assert (tmp_path / "out/sweep.png").read_bytes() == first


def test_a_lead_that_chance_cannot_give_is_more_than_luck():
    answers = pd.DataFrame(
        [(name, 1, f"{image}", name == "good") for name in ("good", *"abcdefgh") for image in range(30)],
        columns=["policy", "factor", "file", "right"],
    )
    said = sweep.luck(answers)
    assert said.startswith(
        "The best of 9 settings, good at factor 1, is right in 100.0%, and all in the mean in 11.1%:"
    )
    assert said.endswith("so that its lead is more than luck.")


@pytest.mark.long
@pytest.mark.timeout(1500)
@pytest.mark.usefixtures("converted_before")
def test_the_sweep_runs_through_the_flow_and_shares_what_it_can(clone: Clone, monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    clone.set(article__flowers="data/digits")
    write(clone.folder / sweep_flows.FILE, {**SMALL, "train_per_class": [4], "factors": [2]})
    said = do(clone, "snakemake", "--cores", "2", "sweep")
    assert "MobileNet, validation accuracy without copies: " in said
    times = {
        "convert": 1,
        "group": 1,
        "split": 1,
        "bottlenecks_original": 1,
        "augment": 2,
        "train_baseline": 2,
        "metrics": 3,
    }
    assert {stage: said.count(f"\n{stage}: ") for stage in times} == times
    rows = manifest.read(clone.folder / "data/sweep_flows/none/0/4/1/split/manifest.csv")
    trained = rows[rows["split"] == "train"]
    assert trained.groupby("label").size().max() == 4
    assert f"; {len(CLASSES) * IMAGES_A_CLASS - len(rows)} left out by split.train_per_class\n" in said
    assert "Nothing to be done" in do(clone, "snakemake", "--cores", "2", "sweep")
    assert do(clone, "git", "status", "--porcelain", "data") == ""
