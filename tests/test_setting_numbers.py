"""setting_numbers: settings are compared image by image, and a false comparison is refused."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from huskies import outputs, receipt
from huskies.errors import HuskyError
from huskies.experiments import setting_numbers
from setting_results import write_settings

RIGHT = {"a": "1111 1110", "b": "1111 0000", "c": "1110 1110"}


@pytest.fixture
def inputs(tmp_path) -> dict[str, Path]:
    return write_settings(tmp_path, RIGHT)


def test_each_settings_numbers_are_those_of_its_folders(inputs):
    numbers, right, groups = setting_numbers.read(["a", "b"], inputs)
    assert right.tolist() == [[[True] * 4, [True] * 3 + [False]], [[True] * 4, [False] * 4]]
    assert groups.tolist() == [0, 0, 1, 2]
    plan = receipt.read(inputs["a/metrics"])["plan"]
    assert numbers[0] == {
        "name": "a",
        "experiment": f"run-{receipt.plan_hash(plan)[:8]}",
        **{"baseline": 0.5, "baseline_low": 0.4, "baseline_high": 0.6},
        **{"augmented": 0.875, "augmented_low": 0.775, "augmented_high": 0.975},
        **{"gain": 0.375, "gain_low": 0.275, "gain_high": 0.475},
        **{"val_baseline": 0.25, "val_baseline_low": 0.15, "val_baseline_high": 0.35},
        **{"val_augmented": 0.75, "val_augmented_low": 0.65, "val_augmented_high": 0.85},
        **{"val_gain": 0.5, "val_gain_low": 0.4, "val_gain_high": 0.6},
    }


def test_an_image_is_the_same_in_another_order_and_another_split(inputs):
    path = inputs["b/cross_validation"] / outputs.PREDICTIONS
    before = setting_numbers.read(["a", "b"], inputs)[1]
    table = pd.read_csv(path)
    table["file"] = table["file"].str.replace("train_", "val_")
    table.iloc[::-1].to_csv(path, index=False)
    assert (setting_numbers.read(["a", "b"], inputs)[1] == before).all()


def test_settings_that_were_asked_about_other_images_are_not_compared(inputs):
    path = inputs["b/cross_validation"] / outputs.PREDICTIONS
    pd.read_csv(path).query("file != '0/train_0.jpg'").to_csv(path, index=False)
    with pytest.raises(HuskyError) as error:
        setting_numbers.read(["a", "b"], inputs)
    assert str(error.value) == (
        f"{inputs['b/cross_validation']}: 'b' was asked about other images than 'a', so that the two cannot be "
        "compared. Delete data/experiment_stages, and run the same command again."
    )


@pytest.mark.parametrize(
    ("stage", "file"), [("metrics", outputs.METRICS), ("cross_validation", outputs.CROSS_VALIDATION)]
)
def test_a_leak_is_no_result(inputs, stage, file):
    path = inputs[f"b/{stage}"] / file
    path.write_text(json.dumps({**json.loads(path.read_text()), "leaks": 3}))
    with pytest.raises(HuskyError) as error:
        setting_numbers.read(["a", "b"], inputs)
    assert str(error.value) == (
        f"{inputs['b/metrics']}: held-out images leaked into the training (3 of them), so that the comparison would "
        "be false. Set group.near_duplicates to true and leaks.action to fail in params.yaml."
    )


def test_numbers_without_a_sound_receipt_are_refused(inputs):
    next(inputs["a/metrics"].glob("receipt-*")).unlink()
    with pytest.raises(HuskyError, match=r"has no sound receipt\. Delete the folder and run the same command again\.$"):
        setting_numbers.read(["a"], inputs)


def compared(right: list[list[int]]) -> tuple[list[dict], np.ndarray]:
    """Return what `compare` returns of settings 0, 1, … that are right or not about images, and that as an array."""
    array = np.array(right, bool)[:, np.newaxis]
    numbers = [{"name": str(number), "augmented": float(each.mean())} for number, each in enumerate(array)]
    return setting_numbers.compare(numbers, array, np.arange(array.shape[2])), array


def test_the_best_comes_first_and_of_equals_the_one_above():
    rows, _ = compared([[1, 0, 0, 0], [1, 1, 0, 0], [0, 1, 1, 0]])
    assert [row["name"] for row in rows] == ["1", "2", "0"]
    assert [row["behind"] for row in rows] == [0, 0, 0.25]
    assert all(row["behind_low"] < 0 < row["behind_high"] and row["level"] for row in rows)


def test_what_cannot_be_told_apart_is_said_plainly():
    rows, right = compared([[1] * 30 + [0] * 10, [1] * 29 + [0] * 11])
    assert setting_numbers.sentences(rows, right) == [
        "With copies, '0' has the highest accuracy of 2 settings, 75.0%; the other cannot be told from it.",
        "It leads the mean by 1.2 points; by luck alone, the best of 2 leads by up to 1.2: no more than luck. Choose "
        "among them by what they cost, or get more photos.",
    ]


def test_what_is_worse_is_told_from_what_may_be_as_good():
    rows, right = compared([[1] * 38 + [0] * 2, [1] * 37 + [0] * 3, [1] * 5 + [0] * 35])
    first, second = setting_numbers.sentences(rows, right)
    assert first == (
        "With copies, '0' has the highest accuracy of 3 settings, 95.0%. It cannot be told from '1'; all others are "
        "worse."
    )
    assert second.endswith("more than luck.")
    rows, right = compared([[1] * 40, [0] * 40])
    assert setting_numbers.sentences(rows, right)[0] == (
        "With copies, '0' has the highest accuracy of 2 settings, 100.0%, and the other is worse."
    )


def test_three_that_cannot_be_told_apart_are_said_to_be_so():
    rows, right = compared([[1, 0], [0, 1], [1, 1]])
    assert setting_numbers.sentences(rows, right)[0] == (
        "With copies, '2' has the highest accuracy of 3 settings, 100.0%; none of the others can be told from it."
    )


def test_one_setting_leads_nobody():
    rows, right = compared([[1, 0]])
    assert setting_numbers.sentences(rows, right) == [
        "One setting is compared with none. Add a row to experiments.csv."
    ]
