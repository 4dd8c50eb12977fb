"""Receipts: a folder is as its one receipt says, or it is damaged."""

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest
from huskies import receipt
from hypothesis import given, settings
from hypothesis import strategies as st

PLAN = {"stage": "split", "params": {"split": {"seed": 1}}, "inputs": {"convert": "0123456789abcdef"}}
FILES = {"manifest.csv": "file\n", "cat/train_a.jpg": "a", "cat/val_b.jpg": "b"}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture
def folder(tmp_path) -> Path:
    made = tmp_path / "split"
    for name, content in FILES.items():
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).write_text(content)
    receipt.write(made, PLAN)
    return made


def path_of(folder: Path) -> Path:
    return folder / receipt.name(receipt.plan_hash(PLAN))


def test_a_folder_as_it_was_made_has_no_damage(folder):
    assert receipt.damage(folder) == []
    assert receipt.read(folder)["plan"] == PLAN
    assert list(receipt.read(folder)["outputs"]) == sorted(FILES)


@settings(deadline=None)
@given(st.dictionaries(st.text(max_size=5), JSON, max_size=5), st.randoms(use_true_random=False))
def test_a_plan_is_named_by_its_content_and_not_by_the_order_of_its_keys(plan, random):
    keys = list(plan)
    random.shuffle(keys)
    digest = receipt.plan_hash(plan)
    assert receipt.plan_hash({key: plan[key] for key in keys}) == digest
    assert receipt.plan_hash({**plan, "one more": 1}) != digest
    assert receipt.plan_hash(json.loads(json.dumps(plan))) == digest


def test_the_hash_of_a_plan_is_the_same_on_every_machine():
    assert receipt.plan_hash(PLAN) == "b629dfdfda9fa040"
    assert receipt.name("b629dfdfda9fa040") == "receipt-b629dfdfda9fa040.json"


def test_the_same_files_and_plan_give_the_same_receipt(folder, tmp_path):
    other = tmp_path / "elsewhere"
    for name in reversed(FILES):
        (other / name).parent.mkdir(parents=True, exist_ok=True)
        (other / name).write_text(FILES[name])
    receipt.write(other, dict(reversed(PLAN.items())))
    assert path_of(other).read_bytes() == path_of(folder).read_bytes()


@pytest.mark.parametrize(
    ("harm", "damaged"),
    [
        (lambda folder: (folder / "cat/val_b.jpg").write_text("B"), ["cat/val_b.jpg"]),
        (lambda folder: (folder / "cat/val_b.jpg").unlink(), ["cat/val_b.jpg"]),
        (lambda folder: (folder / "cat/val_c.jpg").write_text("c"), ["cat/val_c.jpg"]),
        (lambda folder: (folder / ".snakemake_timestamp").touch(), [".snakemake_timestamp"]),
        (
            lambda folder: (folder / "cat/receipt-0123456789abcdef.json").write_text("{}"),
            ["cat/receipt-0123456789abcdef.json"],
        ),
        (
            lambda folder: (folder / "cat/val_b.jpg").rename(folder / "cat/train_b.jpg"),
            ["cat/train_b.jpg", "cat/val_b.jpg"],
        ),
        (lambda folder: path_of(folder).unlink(), ["receipt"]),
        (lambda folder: (folder / "receipt-0000000000000000.json").write_text("{}"), ["receipt"]),
        (lambda folder: path_of(folder).rename(folder / "receipt-0000000000000000.json"), ["receipt"]),
        (lambda folder: path_of(folder).write_text("{"), ["receipt"]),
        (lambda folder: path_of(folder).write_bytes(b"\xff\xfe"), ["receipt"]),
        (lambda folder: path_of(folder).write_text("[]"), ["receipt"]),
        (lambda folder: path_of(folder).write_text("null"), ["receipt"]),
        (lambda folder: path_of(folder).write_text(json.dumps({"plan": PLAN})), ["receipt"]),
        (lambda folder: path_of(folder).write_text(json.dumps({"outputs": {}})), ["receipt"]),
        (lambda folder: path_of(folder).write_text(path_of(folder).read_text().replace(": 1", ": 2")), ["receipt"]),
    ],
    ids=[
        "changed",
        "missing",
        "foreign",
        "hidden foreign",
        "foreign and called like a receipt",
        "renamed",
        "no receipt",
        "two receipts",
        "renamed receipt",
        "receipt cut short",
        "receipt that is no text",
        "receipt that is a list",
        "receipt that is nothing",
        "receipt without outputs",
        "receipt without a plan",
        "receipt with an edited plan",
    ],
)
def test_damage_is_named(folder, harm, damaged):
    harm(folder)
    assert receipt.damage(folder) == damaged


def test_an_output_struck_from_the_receipt_is_foreign(folder):
    content = json.loads(path_of(folder).read_text())
    del content["outputs"]["manifest.csv"]
    path_of(folder).write_text(json.dumps(content))
    assert receipt.damage(folder) == ["manifest.csv"]


def test_a_folder_without_files_has_a_receipt_too(tmp_path):
    receipt.write(tmp_path, PLAN)
    assert receipt.damage(tmp_path) == []
    assert receipt.read(tmp_path) == {"plan": PLAN, "outputs": {}}


def test_a_folder_that_is_not_there_is_damaged(tmp_path):
    assert receipt.read(tmp_path / "nowhere") is None
    assert receipt.damage(tmp_path / "nowhere") == ["receipt"]


WHOLE = {
    "stage": "augment",
    "params": {"aug": {"factor": 5, "policy": [{"transform": "Rotate", "p": 1.0}], "empty": {}}, "raw": "photos"},
    "code": {"workflow/huskies/steps/augment.py": "a1", "workflow/huskies/images/codec.py": "a2"},
    "libraries": {"numpy": "2.4.6", "pillow": "13.0.0"},
    "files": {"backbones/mini.weights.h5": "b1"},
    "inputs": {"split": "c1", "group": "c2"},
    "raw": "d1",
    "provenance": {"raw": "d1"},
}


def edited(path: str, *value: Any) -> dict[str, Any]:
    """Return the plan with the value at a path such as params/aug/factor replaced, or without it if none is given."""
    plan = copy.deepcopy(WHOLE)
    *sections, key = re.sub(r"(workflow|huskies|steps|images|backbones?)/", r"\1~", path).split("/")
    inner = plan
    for section in sections:
        inner = inner[section]
    key = key.replace("~", "/")
    if value:
        inner[key] = value[0]
    else:
        del inner[key]
    return plan


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (edited("raw", "d2"), ["the raw images changed"]),
        (edited("raw", None), ["the raw images changed"]),
        (edited("params/aug/factor", 3), ["aug.factor was 5 and is 3"]),
        (edited("params/aug/factor", None), ["aug.factor was 5 and is null"]),
        (edited("params/raw", "ph\u00f6tos"), ['raw was "photos" and is "ph\\u00f6tos"']),
        (
            edited("params/aug/policy", [{"transform": "Rotate", "p": 0.5}]),
            ['aug.policy was [{"transform": "Rotate", "p": 1.0}] and is [{"transform": "Rotate", "p": 0.5}]'],
        ),
        (edited("params/aug/policy", []), ['aug.policy was [{"transform": "Rotate", "p": 1.0}] and is []']),
        (edited("params/aug/seed", 1), ["aug.seed was null and is 1"]),
        (edited("params/aug/factor"), ["aug.factor was 5 and is null"]),
        (
            edited("params/aug/empty", {"alpha": 0.5}),
            ["aug.empty was {} and is null", "aug.empty.alpha was null and is 0.5"],
        ),
        (edited("code/workflow/huskies/images/codec.py", "a3"), ["workflow/huskies/images/codec.py was edited"]),
        (edited("code/workflow/huskies/backbone/store.py", "a3"), ["workflow/huskies/backbone/store.py was edited"]),
        (edited("code/workflow/huskies/steps/augment.py"), ["workflow/huskies/steps/augment.py was edited"]),
        (edited("files/backbones/mini.weights.h5", "b2"), ["backbones/mini.weights.h5 changed"]),
        (edited("files/backbones/imagenet", "b2"), ["backbones/imagenet changed"]),
        (edited("libraries/pillow", "14.0.0"), ["pillow has another version"]),
        (edited("libraries/pillow"), ["pillow has another version"]),
        (edited("inputs/split", "c3"), ["split is another"]),
        (edited("inputs/convert", "c3"), ["convert is another"]),
        (edited("inputs/group"), ["group is another"]),
    ],
)
def test_what_differs_between_two_plans_is_said_in_words(now, said):
    assert receipt.differences(WHOLE, now) == said


def test_every_difference_is_said_in_the_order_raw_params_code_files_libraries_inputs():
    now = {
        **edited("params/aug", {"seed": 1, "factor": 3}),
        "code": {},
        "libraries": {},
        "files": {},
        "inputs": {},
        "raw": "d2",
    }
    assert receipt.differences(WHOLE, now) == [
        "the raw images changed",
        "aug.empty was {} and is null",
        "aug.factor was 5 and is 3",
        'aug.policy was [{"transform": "Rotate", "p": 1.0}] and is null',
        "aug.seed was null and is 1",
        "workflow/huskies/images/codec.py was edited",
        "workflow/huskies/steps/augment.py was edited",
        "backbones/mini.weights.h5 changed",
        "numpy has another version",
        "pillow has another version",
        "group is another",
        "split is another",
    ]


def test_equal_plans_differ_in_nothing():
    assert receipt.differences(WHOLE, json.loads(json.dumps(WHOLE))) == []
    assert receipt.differences(WHOLE, dict(reversed(WHOLE.items()))) == []
