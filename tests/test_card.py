"""card: what the model card says of each number, and of what nobody has filled in."""

import pandas as pd
import pytest
from huskies import ledger
from huskies.exports import card
from ruamel.yaml import YAML

FINAL = {"out_of_fold": {"accuracy": 0.91239, "low": 0.85, "high": 0.95}, "leaks": 0}
COLUMNS = ["repeat", "label", "augmented"]


def test_the_front_matter_is_yaml_that_hubs_read():
    found = YAML(typ="safe").load(card.front_matter("Leaves: ash or elm", "cc-by-4.0", FINAL))
    assert (found["pipeline_tag"], found["license"]) == ("image-classification", "cc-by-4.0")
    [entry] = found["model-index"]
    assert entry["name"] == "Leaves: ash or elm"
    assert entry["results"][0]["metrics"] == [{"type": "accuracy", "value": 0.9124, "name": "out-of-fold accuracy"}]


def test_a_licence_that_nobody_has_given_is_unknown_and_what_is_empty_says_so():
    assert YAML(typ="safe").load(card.front_matter("a", None, FINAL))["license"] == "unknown"
    given = {"licence": None, "about": "Of leaves on white paper."}
    assert card.filled_in(given, "licence") == "*Not filled in: card.licence in params.yaml.*"
    assert card.filled_in(given, "about") == "Of leaves on white paper."


def test_the_most_frequent_confusions_are_named_once_a_photo():
    asked = [["0", "ash", "elm"], ["0", "ash", "elm"], ["0", "elm", "ash"], ["0", "oak", "oak"], ["1", "oak", "ash"]]
    assert card.confusions(pd.DataFrame(asked, columns=COLUMNS), "augmented") == (
        "Most often confused, of 4 photos out of fold: ash taken for elm (2), elm taken for ash (1)."
    )


def test_without_a_confusion_it_says_so():
    asked = pd.DataFrame([["0", "ash", "ash"]], columns=COLUMNS)
    assert card.confusions(asked, "augmented") == "No photo was taken for one of another class."


def test_the_policy_is_told_with_its_parameters():
    aug = {"factor": 5, "policy": [{"transform": "Rotate", "limit": 12}, {"transform": "HorizontalFlip"}]}
    assert card.policy(aug) == "5 copies a photo, by `Rotate` (limit 12), `HorizontalFlip`"
    assert card.policy({"factor": 0, "policy": []}) == "none"


def test_looks_at_the_test_images_are_counted():
    assert card.looks(pd.DataFrame(columns=ledger.COLUMNS)) == "Nobody has looked at the test images."
    row = {"when": "2026-11-01", "images": "40", "baseline_test_accuracy": "0.9", "augmented_test_accuracy": "0.925"}
    look = pd.DataFrame([dict.fromkeys(ledger.COLUMNS, "") | row])
    said = (
        "The test images were scored {}, as the ledger has it. The last time, 2026-11-01, of 40 the baseline head had "
        "90.0% right, and the augmented one 92.5%."
    )
    assert card.looks(look) == said.format("once")
    assert card.looks(pd.concat([look, look])) == said.format("2 times")


def test_leaks_come_first_where_there_are_any():
    assert card.leaks(FINAL).startswith("Before any number")
    assert card.leaks({**FINAL, "leaks": 2}).startswith("These numbers are false")


@pytest.mark.parametrize(
    ("gate", "said"),
    [
        ({"holds": False, "shortfalls": []}, "It had to pass no gate."),
        ({"holds": True, "shortfalls": ["too low"]}, "**It does not pass its gate**: too low."),
    ],
)
def test_the_gate_is_told(gate, said):
    assert card.gated(gate) == said


def test_signs_of_markdown_in_a_label_are_text_in_a_table():
    assert card.cell("a|b *c* <d>") == r"a\|b \*c\* \<d\>"
