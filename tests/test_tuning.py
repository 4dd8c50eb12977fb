"""tuning: the best of several policies on the validation images, the same on the test images, and the chance band."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import USES_KERAS, bare_job, write_identity
from huskies import outputs
from huskies.article import tuning
from huskies.images import codec, manifest
from huskies.training import head

pytestmark = USES_KERAS


def rights(*texts: str) -> np.ndarray:
    return np.array([[letter == "r" for letter in text] for text in texts])


def test_policies_that_agree_leave_nothing_to_chance():
    assert tuning.chance_band(rights("rrrw", "rrrw", "rrrw")) == (0.75, 0.75)


def test_of_two_policies_that_disagree_on_one_image_the_best_has_it_in_every_world():
    assert tuning.chance_band(rights("rrrw", "rrww")) == (0.75, 0.75)


def test_the_band_of_two_policies_is_that_of_two_sides_of_a_coin():
    # On each of 10 images just one of them is right. Of B heads in 10 throws, P(5 heads) = 0.246, P(2 to 8) = 0.979,
    # and P(3 to 7) = 0.891.
    assert tuning.chance_band(rights("r" * 10, "w" * 10)) == pytest.approx((0.5, 0.8))


def test_the_best_on_validation_is_named_beside_what_it_is_worth_on_the_test():
    right = rights("rrww", "rrrw", "rrrw")
    right_test = rights("rrrrr", "rrrww", "wwwww")
    assert tuning.conclude(right, right_test) == {
        "policies": [
            {"policy": 1, "val_accuracy": 0.5, "test_accuracy": 1.0},
            {"policy": 2, "val_accuracy": 0.75, "test_accuracy": 0.6},
            {"policy": 3, "val_accuracy": 0.75, "test_accuracy": 0.0},
        ],
        "best": 2,
        "best_val": 0.75,
        "best_test": 0.6,
        "mean_val": 0.666667,
        "mean_test": 0.533333,
        "chance_low": 0.75,
        "chance_high": 0.75,
        "val_images": 4,
        "test_images": 5,
        "sentence": "Of 3 random policies, number 2 is the best on 4 validation images, with 75.0%; on 5 test images "
        "it has 60.0%. Were none better than another, the best would show 75.0% to 75.0% by chance: this lead is "
        "within luck.",
    }


def test_a_lead_that_chance_does_not_give_is_said_to_be_more_than_luck():
    right = rights("r" * 40, *["w" * 40] * 9)
    found = tuning.conclude(right, right)
    assert found["chance_high"] < found["best_val"] == 1.0
    assert found["sentence"].endswith("by chance: this lead is more than luck.")


def write_head(folder: Path, threshold: float, validated: str) -> None:
    """Save a head that says dog where the first feature is above the threshold, and what it said on validation."""
    import keras

    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, activation="softmax")])
    model.set_weights([np.array([[0, 50], [0, 0]], np.float32), np.array([0, -50 * threshold], np.float32)])
    folder.mkdir()
    model.save(folder / head.NAME)
    (folder / outputs.LABELS).write_text("cat\ndog\n")
    predicted = pd.DataFrame({"file": [f"cat/val_{each}.jpg" for each in range(len(validated))], "label": "cat"})
    predicted["predicted"] = ["cat" if letter == "r" else "dog" for letter in validated]
    predicted.to_csv(folder / outputs.VALIDATION, index=False)
    write_identity(folder)


def test_each_head_is_scored_on_test_images_whose_labels_come_from_the_split(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    files = ["cat/test_0.jpg", "cat/test_1.jpg", "cat/val_0.jpg", "dog/test_2.jpg", "dog/train_3.jpg"]
    rows = manifest.make(
        [
            {
                "file": file,
                "label": file.split("/")[0],
                "split": file.split("/")[1].split("_")[0],
                "sha256": codec.sha256(file.encode()),
            }
            for file in files
        ]
    )
    tested = rows[rows["split"] == "test"].assign(label="")
    for name, each in (("split/manifest.csv", rows), ("bottlenecks_test/index.csv", tested)):
        (tmp_path / name).parent.mkdir()
        manifest.write(each, tmp_path / name)
    write_identity(tmp_path / "bottlenecks_test")
    np.save(tmp_path / "bottlenecks_test" / outputs.FEATURES, np.array([[0, 0], [0.4, 0], [1, 0]], np.float32))
    # The first takes everything above 0.2 for a dog, one cat among it; the second knows both.
    write_head(tmp_path / "train_augmented_1", 0.2, "rrrw")
    write_head(tmp_path / "train_augmented_2", 0.7, "rrww")
    (tmp_path / "out").mkdir()
    names = ("split", "bottlenecks_test", "train_augmented_1", "leaks_1", "train_augmented_2", "leaks_2")
    job = bare_job("tuning", tmp_path / "out", inputs={name: tmp_path / name for name in names})
    said = tuning.run(job)
    found = json.loads((tmp_path / "out" / tuning.NAME).read_text())
    assert found["policies"] == [
        {"policy": 1, "val_accuracy": 0.75, "test_accuracy": 0.666667},
        {"policy": 2, "val_accuracy": 0.5, "test_accuracy": 1.0},
    ]
    assert said == found["sentence"]
    # The ledger is for looks at the user's own test images.
    assert not list(tmp_path.rglob("ledger.csv"))
