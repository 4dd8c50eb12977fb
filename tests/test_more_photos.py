"""more_photos: what is said of photos, copies and classes, also where nothing can be said."""

import numpy as np
import pytest
from huskies.statistics import more_photos
from learning_curves import FLAT, RISING, numbers

BROUGHT = {"half": 2, "all": 5, "gain": -0.001, "low": -0.01, "high": 0.008}


def test_both_heads_are_foretold_side_by_side():
    found = numbers(RISING, (0.65, 0.8, 0.87, 0.92), copies=BROUGHT)
    assert [row["photos"] for row in found["forecast"]["baseline"]["more"]] == [5, 10, 20]
    assert found["sentence"].startswith("20 more photos a class, as many again: +")
    assert " points without copies, +" in found["sentence"]
    assert (
        " points with copies. More copies: nothing that can be told; from 2 to 5 a photo brought -0.1 points "
        in (found["sentence"])
    )


def test_a_head_whose_curve_is_flat_is_left_out_with_the_reason():
    said = numbers(RISING, FLAT)["sentence"]
    assert "points without copies. What more photos would bring with copies cannot be said: from 4 to 16 photos" in said


def test_where_nothing_can_be_said_it_is_said_once():
    said = numbers(RISING, RISING, now=5.0)["sentence"]
    assert said.startswith("What more photos would bring cannot be said: 5 photos a class are too few")
    assert said.count("cannot be said: 5") == 1


def test_what_is_said_of_few_photos_is_called_rough():
    assert numbers(RISING, now=19.9)["sentence"].startswith(
        "20 more photos a class, as many again, by rough estimate: "
    )


def test_a_gain_that_may_be_none_is_called_so():
    assert ", so perhaps nothing. " in numbers((0.7, 0.8, 0.8, 0.8))["sentence"]


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.01, 0.03, "More copies may help"),
        (-0.03, -0.01, "More copies would hardly help"),
        (-0.01, 0.01, "More copies"),
    ],
)
def test_copies_that_brought_something_are_told_from_others(low, high, said):
    found = numbers(RISING, RISING, copies={**BROUGHT, "gain": (low + high) / 2, "low": low, "high": high})
    assert f" {said}" in found["sentence"]


def test_without_copies_nothing_is_said_of_them():
    found = numbers(RISING)
    assert list(found["forecast"]) == ["baseline"]
    assert "copies" not in found["points"][0]
    assert "opies" not in found["sentence"].replace("without copies", "")
    assert "copies are worth" not in more_photos.table(found)


def test_what_copies_are_worth_is_said_at_each_point():
    found = numbers(RISING, (0.65, 0.8, 0.87, 0.92))
    worth = [point["augmented"]["accuracy"] - point["baseline"]["accuracy"] for point in found["points"]]
    assert [point["copies"]["gain"] for point in found["points"]] == pytest.approx(worth, abs=1e-6)


def right_by_class(**recalls: float) -> tuple[np.ndarray, np.ndarray]:
    labels = np.repeat(list(recalls), 100)
    return np.concatenate([np.arange(100) < 100 * recall for recall in recalls.values()])[None], labels


def test_the_class_that_falls_behind_is_named():
    right, labels = right_by_class(bee=0.95, fly=0.7, wasp=0.9)
    found = more_photos.next_class(right, labels, np.arange(300))
    assert (found["label"], found["recall"], found["why_not"]) == ("fly", 0.7, "")


def test_no_class_is_named_where_the_lowest_may_be_chance_or_has_few_photos():
    right, labels = right_by_class(bee=0.9, fly=0.88, wasp=0.9)
    found = more_photos.next_class(right, labels, np.arange(300))
    assert found == {"why_not": "no class is below the accuracy of all with its whole interval"}
    few = np.tile(np.array(["a", "b"]), 19)
    found = more_photos.next_class(np.ones((1, 38), bool), few, np.arange(38))
    assert found == {"why_not": "it takes 20 photos of a class to name it, and the largest has 19"}


def test_the_table_has_the_curve_what_is_foretold_and_the_sentence():
    found = numbers(RISING, FLAT, copies=BROUGHT)
    lines = more_photos.table(found).splitlines()
    assert lines[0].split("  ")[0] == "photos a class"
    assert [line.split()[0] for line in lines[1:5]] == ["4.0", "8.0", "12.0", "16.0"]
    assert [line.split()[0] for line in lines[5:8]] == ["5", "10", "20"]
    assert all("cannot be said" in line for line in lines[5:8])
    assert lines[8] == found["sentence"]


def test_where_images_leaked_the_numbers_are_called_false():
    found = numbers(RISING, leaks=2)
    assert found["sentence"].startswith("These numbers are false")
    assert more_photos.table(found).startswith("These numbers are false")
