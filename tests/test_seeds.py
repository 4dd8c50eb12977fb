"""seeds: the rows of the article's page that are of several splits, with intervals over them."""

import article_inputs
import numpy as np
import pandas as pd
import pytest
from article_inputs import HOSTILE, VAL_IMAGES, number, written
from huskies.article import drawings
from huskies.statistics import intervals, over_splits
from pages import Page


def test_what_the_flowers_came_to_is_read_off_as_the_article_does_and_honestly(article_made):
    _, _, table, inputs = article_made
    for backbone in (HOSTILE, "MobileNetV2"):
        histories = [
            pd.read_csv(inputs[f"flowers/{backbone}/{seed}/train_baseline"] / "history.csv") for seed in (1, 2, 3)
        ]
        best = [drawings.smoothed(each["val_accuracy"]).max() for each in histories]
        read_off = number(table, "flowers", f"{backbone}: best smoothed value, mean")
        assert (read_off["ours"], read_off["article"]) == (pytest.approx(np.mean(best), abs=1e-6), 0.815)
        last = np.array([each["val_accuracy"].iloc[-1] for each in histories])
        honest = number(table, "flowers", f"{backbone}: last step, mean")
        low, high, _ = intervals.resampled_mean(last, VAL_IMAGES / article_inputs.TRAIN_IMAGES)
        assert [honest["ours"], honest["low"], honest["high"]] == pytest.approx(
            [last.mean(), low, min(high, 1)], abs=1e-6
        )
        assert honest["unit"] == "fraction"


def test_gains_are_taken_split_by_split(article_made):
    _, _, table, _ = article_made
    gain = number(table, "prefix_mode", "MobileNetV2: gain over no augmentation")
    expected = over_splits.spread(np.array([0.075, 0.05, 0.075]), 0.25)
    assert [gain["ours"], gain["low"], gain["high"]] == pytest.approx(
        [expected[key] for key in ("mean", "low", "high")]
    )
    assert gain["note"] == "standard deviation over the seeds 1.4 points; p = 0.026"
    assert number(table, "gradient_descent", "MobileNetV2: Adam over gradient descent")["ours"] == pytest.approx(
        0.083333
    )
    over = number(table, "leaky", "MobileNetV2: leaky over honest")
    honest = np.array([0.8, 0.8, 0.775])
    assert over["ours"] == pytest.approx((np.array([0.95, 0.975, 0.95]) - honest).mean(), abs=1e-6)


def test_every_seed_is_in_a_table(article_made):
    _, text, _, _ = article_made
    rows = Page(text).tables["flowers-table-1"]
    assert [row[:2] for row in rows[1:]] == [
        [name, str(seed)] for name in (HOSTILE, "MobileNetV2") for seed in (1, 2, 3)
    ]


def test_one_seed_has_no_interval_of_a_mean(tmp_path):
    _, _, table, _ = written(tmp_path, backbones=("MobileNet",), seeds=1)
    honest = number(table, "flowers", "MobileNet: last step, mean")
    assert honest["ours"] == 0.825
    assert np.isnan(honest["low"])
    assert np.isnan(honest["note"])


def test_seeds_are_in_the_order_of_numbers(tmp_path):
    _, page, _, _ = written(tmp_path, backbones=("MobileNet",), seeds=11)
    assert [row[1] for row in Page(page).tables["flowers-table-1"][1:]] == [str(seed) for seed in range(1, 12)]
