"""Receipts: a folder is as its one receipt says, or it is damaged."""

import json
from pathlib import Path

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
