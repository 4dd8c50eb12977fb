"""repeats: what several splits say together, and that one split, or equal ones, say little."""

import json

import numpy as np
import pandas as pd
import pytest
from conftest import bare_job
from huskies.controls import repeats
from huskies.statistics import intervals
from hypothesis import given
from hypothesis import strategies as st

NAN = float("nan")


def rows(*splits: tuple) -> pd.DataFrame:
    """Return one row for each (baseline right, won, lost) of 100 validation images, beside 200 for training."""
    listed = [
        (repeat, 200, 100, right / 100, (right + won - lost) / 100, won, lost, 0.004)
        for repeat, (right, won, lost) in enumerate(splits, start=1)
    ]
    return pd.DataFrame(listed, columns=repeats.COLUMNS)


THREE = rows((90, 5, 2), (91, 4, 3), (89, 6, 1))


def test_the_numbers_of_several_splits_are_their_mean_spread_and_corrected_interval():
    found = repeats.summarise(THREE)
    assert list(found) == [
        "splits",
        "train_images",
        "val_images",
        "baseline",
        "augmented",
        "gain",
        "flattery",
        "verdict",
        "images_to_tell",
        "sentence",
    ]
    assert (found["splits"], found["train_images"], found["val_images"], found["flattery"]) == (3, 200, 100, 0.004)
    low, high, p_value = intervals.resampled_mean(np.array([0.03, 0.01, 0.05]), held_out=0.5)
    assert found["gain"] == {
        "mean": 0.03,
        "standard_deviation": 0.02,
        "low": round(low, 6),
        "high": round(high, 6),
        "p_value": round(p_value, 6),
        "won": 15,
        "lost": 6,
    }
    low, high, _ = intervals.resampled_mean(np.array([0.90, 0.91, 0.89]), held_out=0.5)
    assert found["baseline"] == {
        "mean": 0.9,
        "standard_deviation": 0.01,
        "low": round(low, 6),
        "high": round(high, 6),
    }
    # 15 won and 6 lost of 300: (1.95996 sqrt(0.07) + 0.84162 sqrt(0.07 - 0.0009))² / 0.0009 = 608.1, rounded up.
    assert found["images_to_tell"] == 609
    assert found["verdict"] == "cannot be told"


TABLE = """\
repeat                training  validation    baseline   augmented        gain
1                          200         100       90.0%       93.0%        +3.0
2                          200         100       91.0%       92.0%        +1.0
3                          200         100       89.0%       94.0%        +5.0
mean                       200         100       90.0%       93.0%        +3.0
95 % interval from                               86.1%       89.1%        -4.9
95 % interval to                                 93.9%       96.9%       +10.9
standard deviation                                 1.0         1.0         2.0
corrected resampled t-test of the gain: p = 0.242
the choice of the step flatters by about +0.4 points
Over 3 splits it cannot be told whether augmentation helped: the mean gain of +3.0 points lies between -4.9 and \
+10.9. About 610 validation images in one split would be needed to tell a gain of this size.
"""


def test_the_table_is_what_people_read():
    assert repeats.table(repeats.summarise(THREE), THREE) == TABLE


@pytest.mark.parametrize(
    ("won", "lost", "verdict", "sentence"),
    [
        (9, 1, "helped", "Over 20 splits, augmentation helped by 7.5 points (6.7 to 8.3)."),
        (1, 9, "hurt", "Over 20 splits, augmentation hurt by 8.5 points (7.7 to 9.3)."),
    ],
)
def test_a_clear_difference_is_told_in_words(won, lost, verdict, sentence):
    found = repeats.summarise(rows(*[(80, won, lost + number % 2) for number in range(20)]))
    assert (found["verdict"], found["sentence"]) == (verdict, sentence)
    assert found["gain"]["p_value"] < 0.001


def test_one_split_has_no_spread_and_tells_nothing():
    one = rows((90, 5, 2))
    found = repeats.summarise(one)
    assert found["baseline"] == {"mean": 0.9, "standard_deviation": None, "low": None, "high": None}
    assert found["gain"]["p_value"] is None
    assert found["verdict"] == "cannot be told"
    assert found["sentence"] == (
        "One split, with a gain of +3.0 points, cannot tell whether augmentation helped: ask for more repeats."
    )
    assert repeats.table(found, one).splitlines()[3:] == [
        "95 % interval from                                   -           -           -",
        "95 % interval to                                     -           -           -",
        "standard deviation                                   -           -           -",
        "the choice of the step flatters by about +0.4 points",
        found["sentence"],
    ]


def test_splits_that_all_agree_tell_nothing_of_the_spread():
    # As floats, 0.9 + 0.03 - 0.9 and 0.8 + 0.03 - 0.8 differ.
    found = repeats.summarise(rows((90, 5, 2), (80, 4, 1)))
    assert found["baseline"]["low"] is not None
    assert found["gain"]["low"] is found["gain"]["high"] is found["gain"]["p_value"] is None
    assert found["gain"]["standard_deviation"] == 0
    assert found["verdict"] == "cannot be told"
    assert found["sentence"] == (
        "Over 2 splits it cannot be told whether augmentation helped: the gain was +3.0 points in every one, "
        "so that its spread is unknown."
    )


def test_no_choice_of_the_step_is_no_flattery():
    last = THREE.assign(flattery=NAN)
    found = repeats.summarise(last)
    assert found["flattery"] is None
    assert "flatters" not in repeats.table(found, last)


@given(st.lists(st.tuples(st.integers(20, 80), st.integers(0, 20), st.integers(0, 20)), min_size=1, max_size=25))
def test_intervals_hold_the_means_and_the_verdict_follows_from_that_of_the_gain(splits):
    found = repeats.summarise(rows(*splits))
    for name in ("baseline", "augmented", "gain"):
        each = found[name]
        assert (each["low"] is None) == (each["high"] is None)
        if each["low"] is not None:
            assert each["low"] <= each["mean"] <= each["high"]
        if name != "gain" and each["low"] is not None:
            assert 0 <= each["low"] <= each["high"] <= 1
    assert found["verdict"] in found["sentence"] or len(splits) == 1
    counted = (found["gain"]["won"] - found["gain"]["lost"]) / len(splits) / 100
    assert found["gain"]["mean"] == pytest.approx(counted, abs=1e-6)


def test_the_order_of_the_repeats_does_not_matter():
    assert repeats.summarise(THREE.iloc[::-1]) == repeats.summarise(THREE)


def test_the_metrics_of_all_repeats_are_put_side_by_side_in_their_order(tmp_path):
    gains = {1: (0.8, 0.9), 2: (0.7, 0.75), 10: (0.9, 0.85)}
    for number, (before, after) in gains.items():
        folder = tmp_path / f"{number}/metrics"
        folder.mkdir(parents=True)
        heads = {
            name: {"images": 60, "val_images": 20, "val_accuracy": value, "flattery": 0.01 * number}
            for name, value in (("baseline", before), ("augmented", after))
        }
        (folder / "metrics.json").write_text(json.dumps({**heads, "gain": {"won": 3, "lost": number}}))
    (tmp_path / "out").mkdir()
    inputs = {f"metrics_{number}": tmp_path / f"{number}/metrics" for number in sorted(gains, key=str)}
    job = bare_job("repeats", tmp_path / "out", inputs=inputs)
    said = repeats.run(job)
    rows = pd.read_csv(tmp_path / "out/repeats.csv")
    assert rows["repeat"].tolist() == [1, 2, 10]
    assert rows["augmented"].tolist() == [0.9, 0.75, 0.85]
    assert rows["lost"].tolist() == [1, 2, 10]
    assert rows["flattery"].tolist() == [0.01, 0.02, 0.1]
    summary = json.loads((tmp_path / "out/repeats.json").read_text())
    assert summary == repeats.summarise(rows)
    assert said == f"\n{repeats.table(summary, rows).rstrip()}"
    assert (tmp_path / "out/table.txt").read_text() == repeats.table(summary, rows)


def test_a_head_that_no_validation_image_chose_is_not_flattered():
    numbers = {"images": 60, "val_images": 20, "val_accuracy": 0.5}
    row = repeats.row(1, {"baseline": numbers, "augmented": numbers, "gain": {"won": 0, "lost": 0}})
    assert np.isnan(row["flattery"])
    assert repeats.summarise(pd.DataFrame([row]))["flattery"] is None
