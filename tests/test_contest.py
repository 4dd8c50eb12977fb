"""contest: who is the best, who cannot be told from it, which of these costs least, and what luck alone would do."""

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from huskies.statistics import clustered, contest

IMAGES = pd.DataFrame({"label": ["cat", "dog"] * 100, "group": [f"{number:03}" for number in range(200)]})


def entrants(*costs: float) -> list[dict]:
    return [
        {"name": f"net {number}", "multiply_adds": cost, "megabytes": 1.0, "features": 10}
        for number, cost in enumerate(costs)
    ]


def right(*shares: float) -> np.ndarray:
    """Return who is right: entrants × 1 × 200, each on that share of the images, from the first on."""
    return np.stack([np.arange(200)[None] < round(share * 200) for share in shares])


def test_one_that_nobody_comes_up_to_is_the_choice_at_any_price():
    found = contest.summarise(right(0.5, 0.9, 0.55), entrants(1, 100, 2), IMAGES, current=0)
    assert found["chosen"] == "net 1"
    assert [row["name"] for row in found["entrants"]] == ["net 1", "net 2", "net 0"]
    assert [row["level_with_best"] for row in found["entrants"]] == [True, False, False]
    assert found["sentence"].startswith("net 1 has the highest accuracy of 3, 90.0%, and no other comes up to it. ")
    assert found["sentence"].endswith("more than luck.")


def test_of_those_that_cannot_be_told_apart_the_one_that_computes_least_is_the_choice():
    found = contest.summarise(right(0.90, 0.91, 0.905), entrants(5, 9, 1), IMAGES, current=0)
    assert found["chosen"] == "net 2"
    assert found["sentence"].startswith(
        "net 1 has the highest accuracy of 3, 91.0%; 2 others cannot be told from it, of which net 2 computes least. "
    )
    assert found["sentence"].endswith("no more than luck.")


def test_where_the_best_is_the_cheapest_the_others_cost_no_less():
    found = contest.summarise(right(0.90, 0.91, 0.4), entrants(5, 1, 1), IMAGES, current=0)
    assert found["chosen"] == "net 1"
    assert "; the one that cannot be told from it costs no less. " in found["sentence"]


def test_of_equals_the_present_one_stays():
    same = right(0.9, 0.9)
    for current in (0, 1):
        assert contest.summarise(same, entrants(1, 1), IMAGES, current)["chosen"] == f"net {current}"


def test_gains_are_paired_with_the_present_one_and_intervals_are_those_of_cross_validation():
    answers = right(0.5, 0.7)
    first, second = contest.summarise(answers, entrants(1, 2), IMAGES, current=0)["entrants"]
    groups = np.arange(200)
    gain = clustered.gain(answers[0], answers[1], groups)
    assert tuple(first["gain"].values()) == pytest.approx(gain, abs=1e-6)
    assert next(iter(second["gain"].values())) == 0
    assert (first["accuracy"], first["low"], first["high"]) == pytest.approx(
        clustered.accuracy(answers[1], groups), abs=1e-6
    )


@hypothesis.given(
    st.lists(st.lists(st.booleans(), min_size=12, max_size=12), min_size=1, max_size=6), st.integers(0, 5)
)
@hypothesis.settings(max_examples=25)
def test_the_choice_is_never_behind_the_best_nor_dearer_than_one_that_is_level(answers, current):
    asked = np.array(answers)[:, None, :]
    costs = [1 + (number * 7) % 5 for number in range(len(asked))]
    found = contest.summarise(asked, entrants(*costs), IMAGES.head(12), min(current, len(asked) - 1))
    rows = {row["name"]: row for row in found["entrants"]}
    chosen = rows[found["chosen"]]
    level = [row for row in rows.values() if row["level_with_best"]]
    assert chosen in level
    assert chosen["multiply_adds"] == min(row["multiply_adds"] for row in level)
    assert found["entrants"][0]["accuracy"] == max(row["accuracy"] for row in rows.values())


def test_the_table_marks_the_choice_and_warns_of_leaks():
    found = contest.summarise(right(0.5, 0.9), entrants(1, 100), IMAGES, current=0)
    text = contest.table({**found, "leaks": 0})
    assert text.splitlines()[1] == "net 1     90.0%    85.0% to 93.4%    +40.0 (+32.9 to +46.7)  100.00     1.0 *"
    assert text.splitlines()[2].endswith("the present one    1.00     1.0")
    assert "leaks" in contest.table({**found, "leaks": 3, "leaks_action": "warn"}).splitlines()[0]


def test_chance_is_that_of_answers_dealt_anew():
    alike = right(0.9, 0.9, 0.9)
    assert contest.luck(alike) == {"lead": 0.0, "by_chance": 0.0}
    random = np.random.default_rng(1)
    mixed = random.random((6, 2, 200)) < 0.8
    assert 0 < contest.luck(mixed)["by_chance"] < 0.1
