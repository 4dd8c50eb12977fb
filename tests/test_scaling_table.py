"""What more photos take, on paper: the page has what follows from the measurements."""

import pandas as pd
import pytest
import scaling

GROWTH = pd.DataFrame(
    [(size, "leaks", 3 + 0.004 * size + 2e-8 * size**2) for size in (1000, 10_000, 100_000)],
    columns=["images", "what", "cpu_s"],
)


def test_the_page_is_that_of_the_measurements():
    text = scaling.PAGE.read_text(encoding="utf-8")
    assert scaling.page(pd.read_csv(scaling.GROWTH), text) == text


def test_what_an_image_costs_and_what_a_pair_are_told_apart_and_the_start_is_left_out():
    assert scaling.grown(GROWTH, "leaks") == pytest.approx((0.004, 2e-8))
    assert scaling.Cost(0.004, 2e-8).of(10**6) == pytest.approx((4000 + 20_000) / 3600)


def test_what_grows_no_faster_than_the_images_costs_nothing_for_pairs():
    flatter = GROWTH.assign(cpu_s=[1, 9, 80])
    assert scaling.grown(flatter, "leaks").pair == 0


def test_shards_are_on_all_nodes_the_rest_on_one_and_dvc_on_one_core():
    growth = pd.read_csv(scaling.GROWTH)
    one, many = scaling.Machine("one", 8), scaling.Machine("many", 8, nodes=10)
    alone, together = scaling.hours(growth, one, 10**6), scaling.hours(growth, many, 10**6)
    assert together["convert"] == pytest.approx(alone["convert"] / 10)
    assert (together["leaks"], together["record"]) == (alone["leaks"], alone["record"])
    assert alone["record"] == pytest.approx(scaling.grown(growth, "record").of(10**6))


@pytest.mark.parametrize(
    ("time", "words"), [(0.001, "3.6 s"), (0.5, "30 min"), (47, "47 h"), (60, "2.5 days"), (26_280, "3 years")]
)
def test_times_are_said_in_their_own_unit(time, words):
    assert scaling.said(time) == words
