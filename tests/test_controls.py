"""The controls: noise, the leak, the repeats. The same flow with other parameters, and what comes out beside it."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import PROJECT, Clone, bare_job, do
from huskies.controls import augmented_first, flows, leakage, noise_images
from huskies.errors import HuskyError
from huskies.images import codec, manifest
from huskies.planning import plan
from huskies.planning.flow import Flow, asked_for, prepare
from PIL import Image


@pytest.fixture
def project(monkeypatch, tmp_path):
    """The project as the current folder, with plans published elsewhere."""
    monkeypatch.chdir(PROJECT)
    monkeypatch.setattr(plan, "FOLDER", tmp_path / "plans")


@pytest.fixture
def main(project) -> Flow:
    return prepare({})


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (["--cores", "8", "metrics"], []),
        (["--cores", "8", "noise"], ["noise"]),
        (["--cores", "8", "leakage", "repeats"], ["leakage", "repeats"]),
        (["data/noise/metrics/metrics.json"], ["noise"]),
        (["--target-jobs", "repeats_3_split:"], ["repeats"]),
        (["metrics", "--config", "noise={seed: 3}"], []),
        (["denoise", "noisy"], []),
    ],
)
def test_a_control_is_read_only_when_the_command_speaks_of_it(command, expected):
    assert asked_for(("noise", "leakage", "repeats"), command) == expected


def test_noise_is_every_value_alike_and_another_seed_is_other_noise():
    noise = noise_images.make(50, 28, 1)
    assert (noise.shape, noise.dtype) == ((50, 28, 28, 3), np.uint8)
    assert np.bincount(noise.ravel(), minlength=256).min() > 300  # of about 459
    assert abs(np.corrcoef(noise[:, :, 1:].ravel(), noise[:, :, :-1].ravel())[0, 1]) < 0.01
    assert (noise_images.make(50, 28, 1) == noise).all()
    assert (noise_images.make(50, 28, 2) != noise).any()


def test_the_images_of_noise_lie_in_class_folders_of_one_size(tmp_path):
    job = bare_job("noise_images", tmp_path, params={"noise": {"images": 10, "side": 5, "classes": 4, "seed": 1}})
    assert noise_images.run(job) == "10 images of noise in 4 classes"
    files = sorted(path.relative_to(tmp_path / "images").as_posix() for path in tmp_path.rglob("*.png"))
    assert files == sorted(f"class_{number % 4}/{number:05}.png" for number in range(10))
    assert (np.asarray(Image.open(tmp_path / "images/class_3/00007.png")) == noise_images.make(10, 5, 1)[7]).all()


def test_the_flow_on_noise_differs_in_parameters_alone(main):
    noise = flows.noise({})
    assert {name for name in main.plans if noise.plans[name]["code"] != main.plans[name]["code"]} == set()
    assert noise.plans["convert"]["inputs"].keys() == {"noise_images"}
    assert noise.params["raw"] == "data/noise/noise_images/images"
    assert (noise.params["train"]["steps"], noise.params["train"]["keep"]) == (15000, "last")
    assert noise.params["backbone"] == main.params["backbone"]
    assert noise.receipt("metrics").startswith("data/noise/metrics/receipt-")
    assert noise.log("metrics") == "logs/noise/metrics.log"
    assert noise.upstream("convert") == [noise.receipt("noise_images")]
    assert noise.plans["metrics"]["provenance"]["raw"] == noise.plans["convert"]["inputs"]["noise_images"]


def test_the_command_line_has_the_last_word_on_the_noise(project):
    noise = flows.noise({"noise": "{seed: 5}", "train": {"steps": "7"}, "raw": "photos"})
    assert noise.plans["noise_images"]["params"]["noise"]["seed"] == 5
    assert noise.params["train"]["steps"] == 7
    assert noise.params["raw"] == "data/noise/noise_images/images"
    with pytest.raises(HuskyError, match=r"^params\.yaml: noise\.classes is 1, but must be at least 2\.$"):
        flows.noise({"noise": {"classes": 1}})


def test_a_repeat_shares_what_comes_before_the_split_and_nothing_after_it(main):
    repeated = flows.repeats(main)
    assert len(repeated) == main.params["repeats"]["seeds"] == 20
    for number, flow in enumerate(repeated, 1):
        shared = {name for name in main.plans if flow.plans[name] == main.plans[name]}
        assert shared == {"convert", "group"} == set(flow.shared)
        assert flow.upstream("split") == [main.receipt("convert"), main.receipt("group")]
        assert flow.receipt("split").startswith(f"data/repeats/{number}/split/receipt-")
    assert len({flow.receipt("split").rpartition("/")[2] for flow in repeated}) == 20


def test_the_leaky_flow_holds_out_the_same_fraction_of_what_is_no_test_image_and_opens_the_gates(main):
    leaky = flows.leaky(main, "data/leakage/data")
    assert leaky.params["split"] == {**main.params["split"], "validation": pytest.approx(0.5), "test": 0.0}
    assert leaky.params["aug"] == {**main.params["aug"], "factor": 0}
    assert leaky.params["group"] == {"near_duplicates": False}
    assert leaky.params["leaks"] == {"action": "warn"}
    maker = leaky.plans["augmented_first"]
    assert maker["params"]["aug"] == main.params["aug"]
    assert maker["inputs"].keys() == {"split"}
    assert leaky.receipt("augmented_first").startswith("data/leakage/data/augmented_first/receipt-")


def test_augmented_first_copies_training_and_validation_images_under_names_that_say_nothing(tmp_path):
    rows = []
    for file in ("cat/train_a.jpg", "cat/val_b.jpg", "dog/train_c.jpg", "dog/test_d.jpg"):
        jpeg = codec.encode(np.full((8, 8, 3), len(rows) * 40, np.uint8), 95)
        path = tmp_path / "split" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(jpeg)
        label, split = file.split("/")[0], file.split("/")[1].split("_")[0]
        source = codec.sha256(file.encode())
        rows.append(
            {"file": file, "label": label, "split": split, "source_sha256": source, "sha256": codec.sha256(jpeg)}
        )
    (tmp_path / "split/dog/test_d.jpg").unlink()
    manifest.write(manifest.make(rows), tmp_path / "split" / manifest.NAME)
    policy = [{"transform": "RandomBrightnessContrast", "p": 1.0}]
    job = bare_job(
        "augmented_first",
        tmp_path / "out",
        params={"aug": {"factor": 2, "seed": 1, "policy": policy}, "convert": {"quality": 95}},
        inputs={"split": tmp_path / "split"},
    )
    assert augmented_first.run(job) == "3 images and 6 copies of them, to be split afterwards"
    made = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.jpg")}
    stems = {row["file"]: row["source_sha256"][:16] for row in rows}
    assert made == {
        f"images/{file.split('/')[0]}/{stems[file]}{ending}.jpg"
        for file in ("cat/train_a.jpg", "cat/val_b.jpg", "dog/train_c.jpg")
        for ending in ("", "_0", "_1")
    }


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


QUICK = ("--config", "train={steps: 24, batch_size: 16}", "noise={images: 40}", "repeats={seeds: 2}", "aug={factor: 2}")


def numbers(clone: Clone, path: str) -> dict:
    return json.loads((clone.folder / path).read_text())


@pytest.mark.long
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
    assert (built.folder / "logs/noise/metrics.log").is_file()

    # The leak is made and found by the same code.
    assert "augmented_first" in said
    rows = pd.read_csv(built.folder / "data/leakage/leakage/leakage.csv")
    assert rows["run"].tolist() == ["honest", "leaky", "honest", "leaky"]
    assert rows["leaks"][0] == rows["leaks"][2] == 0
    assert numbers(built, "data/leakage/data/leaks/leaks.json")["action"] == "warn"
    assert rows["leaks"][1] > 0


@pytest.mark.long
def test_repeats_compute_no_bottleneck_twice_and_never_score_a_test_image(built):
    said = do(built, "snakemake", "--cores", "2", "repeats", "--config", "repeats={seeds: 3}")
    counted = re.findall(r"bottlenecks_original: computed (\d+), reused (\d+)", said)
    assert len(counted) == 3
    assert all(int(computed) == 0 for computed, _ in counted)
    tested = set(manifest.read(built.folder / "data/split/manifest.csv").query("split == 'test'")["source_sha256"])
    held_out = []
    for number in (1, 2, 3):
        rows = manifest.read(built.folder / f"data/repeats/{number}/split/manifest.csv")
        assert set(rows.query("split == 'test'")["source_sha256"]) == tested
        held_out.append(frozenset(rows.query("split == 'val'")["source_sha256"]))
    assert len(set(held_out)) > 1
    # A copy of an image has the same bytes in every repeat: none is computed more often than it is made anew.
    copies = set()
    for number in (1, 2, 3):
        copies |= set(manifest.read(built.folder / f"data/repeats/{number}/augment/manifest.csv")["sha256"])
    own = set(manifest.read(built.folder / "data/augment/manifest.csv")["sha256"])
    computed = [int(each) for each in re.findall(r"bottlenecks_augmented: computed (\d+)", said)]
    assert sum(computed) == len(copies - own)
    again = do(built, "snakemake", "--cores", "2", "repeats", "--config", "repeats={seeds: 4}")
    assert re.findall(r"bottlenecks_original: computed (\d+)", again) == ["0"]
    assert len(re.findall(r"^metrics: ", again, re.MULTILINE)) == 1
    assert Path(built.folder / "data/repeats/repeats/table.txt").is_file()
