"""leakage: what a leak would have reported stands beside the honest numbers."""

import json

import pandas as pd
from conftest import bare_job
from huskies.controls import leakage
from PIL import Image


def head(accuracy: float, images: int = 100) -> dict:
    return {
        "images": images,
        "val_accuracy": accuracy,
        "val_accuracy_low": accuracy - 0.05,
        "val_accuracy_high": accuracy + 0.05,
        "val_images": 40,
    }


METRICS = {
    "honest": {"baseline": head(0.1), "augmented": head(0.8, 600), "leaks": 0},
    "leaky": {"baseline": head(0.9, 610), "augmented": head(0.1), "leaks": 7},
    "noise_honest": {"baseline": head(0.1), "augmented": head(0.25, 500), "leaks": 0},
    "noise_leaky": {"baseline": head(0.6, 510), "augmented": head(0.1), "leaks": 9},
}


def test_the_leak_is_put_beside_the_honest_run(tmp_path):
    for name, content in METRICS.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "metrics.json").write_text(json.dumps(content))
    (tmp_path / "out").mkdir()
    job = bare_job(
        "leakage",
        tmp_path / "out",
        params={"noise": {"classes": 4}},
        inputs={name: tmp_path / name for name in METRICS},
    )
    text = (
        "                         training images  validation       95 % interval  leaks found\n"
        "your data, honest                    600       80.0%      75.0% to 85.0%            0\n"
        "your data, leaky                     610       90.0%      85.0% to 95.0%            7\n"
        "noise, honest                        500       25.0%      20.0% to 30.0%            0\n"
        "noise, leaky                         510       60.0%      55.0% to 65.0%            9\n"
        "Augmenting before splitting would have told you 90.0% instead of 80.0%.\n"
        "On noise, where 25.0% can be had by guessing, it tells 60.0%; the honest run tells 25.0%."
    )
    assert leakage.run(job) == f"\n{text}"
    assert (tmp_path / "out/table.txt").read_text() == f"{text}\n"
    rows = pd.read_csv(tmp_path / "out/leakage.csv")
    assert rows["val_accuracy"].tolist() == [0.8, 0.9, 0.25, 0.6]
    with Image.open(tmp_path / "out/leakage.png") as picture:
        assert picture.width == 875
    first = (tmp_path / "out/leakage.png").read_bytes()
    leakage.run(job)
    assert (tmp_path / "out/leakage.png").read_bytes() == first
