"""The model card beside an export, README.md, in the form that model hubs read: YAML in front, then Markdown.

The parts are those of Mitchell et al. 2019 (Model Cards for Model Reporting, arXiv:1810.03993).
"""

import io
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
from ruamel.yaml import YAML

from huskies.statistics import verdicts

NAME = "README.md"
_TEMPLATE = Path(__file__).parent / "card.md"
# Pairs of classes that the card names.
_CONFUSIONS = 5


def render(facts: dict[str, Any]) -> str:
    """Return the card for what its template names; nothing may be missing."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATE.parent),
        # Markdown is escaped where it stands in a table; it is no HTML.
        autoescape=False,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["percent"] = lambda value, digits=1: f"{value:.{digits}%}".replace("%", " %")
    environment.filters["cell"] = cell
    return environment.get_template(_TEMPLATE.name).render(**facts)


def cell(text: str) -> str:
    """Return text as a cell of a table in Markdown: nothing in it is taken for the table's own signs, or for a tag."""
    return "".join(f"\\{each}" if each in "\\|`*_<>[]" else each for each in text)


def front_matter(title: str, licence: str | None, final: dict[str, Any]) -> str:
    """Return the YAML that hubs read: what the model is for, under what licence, and its accuracy."""
    accuracy = {"type": "accuracy", "value": round(final["out_of_fold"]["accuracy"], 4), "name": "out-of-fold accuracy"}
    result = {
        "task": {"type": "image-classification"},
        "dataset": {"name": "the user's own photos", "type": "imagefolder"},
        "metrics": [accuracy],
    }
    found = {
        "pipeline_tag": "image-classification",
        "license": licence or "unknown",
        "tags": ["image-classification", "two-huskies"],
        "model-index": [{"name": title, "results": [result]}],
    }
    written = io.StringIO()
    yaml = YAML()
    yaml.width = 1000
    yaml.dump(found, written)
    return written.getvalue()


def confusions(asked: pd.DataFrame, head: str) -> str:
    """Return a sentence on the most frequent confusions out of fold; asked: cross_validation's predictions.csv."""
    first = asked[asked["repeat"] == "0"]
    wrong = first[first["label"] != first[head]]
    if wrong.empty:
        return "No photo was taken for one of another class."
    # Of equally frequent ones, the first by name.
    counted = wrong.groupby(["label", head]).size().sort_values(ascending=False, kind="stable").head(_CONFUSIONS)
    named = [f"{cell(actual)} taken for {cell(other)} ({count})" for (actual, other), count in counted.items()]
    return f"Most often confused, of {len(first)} photos out of fold: {', '.join(named)}."


def policy(aug: dict[str, Any]) -> str:
    """Return the augmentation in words: the factor, and each transform with its parameters."""
    if not aug["factor"]:
        return "none"
    named = []
    for each in aug["policy"]:
        settings = ", ".join(f"{key} {value}" for key, value in each.items() if key != "transform")
        named.append(f"`{each['transform']}`" + (f" ({cell(settings)})" if settings else ""))
    return f"{aug['factor']} copies a photo, by {', '.join(named) or 'no transform'}"


def looks(ledger: pd.DataFrame) -> str:
    """Return a sentence on how often the test images were scored; ledger: the looks at them."""
    if ledger.empty:
        return "Nobody has looked at the test images."
    last = ledger.iloc[-1]
    return (
        f"The test images were scored {len(ledger)} times, as the ledger has it. The last time, {last['when']}, of "
        f"{last['images']} the baseline head had {float(last['baseline_test_accuracy']):.1%} right, and the augmented "
        f"one {float(last['augmented_test_accuracy']):.1%}."
    ).replace(" 1 times", " once")


def leaks(final: dict[str, Any]) -> str:
    """Return a sentence on whether held-out images had leaked into the training."""
    if final["leaks"]:
        return verdicts.warning(final)
    return (
        "Before any number, every training row was traced to its photo: none is, comes from or looks like a held-out "
        "one."
    )


def gated(gate: dict[str, Any]) -> str:
    """Return a sentence on the gate; gate: what gate.json has."""
    if not gate["holds"]:
        return "It had to pass no gate."
    if gate["shortfalls"]:
        return f"**It does not pass its gate**: {'; '.join(gate['shortfalls'])}."
    wanted = gate["gate"]
    return (
        f"It passed its gate: the lower end of the interval is at least {wanted['accuracy']:.1%} for the accuracy, and "
        f"{wanted['per_class']:.1%} for each class."
    )


def filled_in(card: dict[str, Any], key: str) -> str:
    """Return what params.yaml says under `card`, or that it says nothing."""
    return card[key] or f"*Not filled in: card.{key} in params.yaml.*"
