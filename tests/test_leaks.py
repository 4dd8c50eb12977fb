"""leaks: every way in which a held-out image can get into training is found, and named."""

import hashlib
import json
from pathlib import Path

import pandas as pd
import pytest
from conftest import bare_job
from huskies import leaks, manifest, naming, split
from huskies.errors import HuskyError
from huskies.job import Job
from hypothesis import assume, given, settings
from hypothesis import strategies as st


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def original(file: str, split: str, group: str | None = None, source: str | None = None, content: str = "") -> dict:
    source_sha256 = digest(source or file)
    return {
        "file": file,
        "label": file.split("/")[0],
        "split": split,
        "group": group or source_sha256[:16],
        "source_sha256": source_sha256,
        "copy": "",
        "sha256": digest(f"pixels of {content or file}"),
    }


def copy_of(row: dict, number: int) -> dict:
    file = naming.with_copy(row["file"], number)
    return {**row, "file": file, "copy": str(number), "sha256": digest(f"pixels of {file}")}


TRAIN = original("cat/train_a.jpg", "train")
VAL = original("cat/val_b.jpg", "val")
TEST = original("dog/test_c.jpg", "test")
COPY = copy_of(TRAIN, 0)


def found(trained: list[dict], originals: list[dict], copies: list[dict]) -> list[str]:
    return leaks.find_leaks(*map(manifest.make, (trained, originals, copies)))


def test_originals_and_copies_of_training_images_do_not_leak():
    assert found([TRAIN, COPY], [TRAIN, VAL, TEST], [COPY]) == []


@pytest.mark.parametrize(
    ("trained", "originals", "copies", "line"),
    [
        (VAL, [TRAIN, VAL], [], "cat/val_b.jpg is itself held out"),
        (TEST, [TRAIN, TEST], [], "dog/test_c.jpg is itself held out"),
        (
            copy_of(VAL, 3),
            [TRAIN, VAL],
            [copy_of(VAL, 3)],
            "cat/val_b_3.jpg is itself held out",
        ),
        (
            {**copy_of(VAL, 3), "split": "train"},
            [TRAIN, VAL],
            [{**copy_of(VAL, 3), "split": "train"}],
            "cat/val_b_3.jpg descends from cat/val_b.jpg",
        ),
        (
            original("cat/train_twin.jpg", "train", source="cat/val_b.jpg"),
            [original("cat/train_twin.jpg", "train", source="cat/val_b.jpg"), VAL],
            [],
            "cat/train_twin.jpg descends from cat/val_b.jpg",
        ),
        (
            original("cat/train_sibling.jpg", "train", group=VAL["group"]),
            [original("cat/train_sibling.jpg", "train", group=VAL["group"]), VAL],
            [],
            "cat/train_sibling.jpg is in one group with cat/val_b.jpg",
        ),
        (
            original("cat/train_same.jpg", "train", content="dog/test_c.jpg"),
            [original("cat/train_same.jpg", "train", content="dog/test_c.jpg"), TEST],
            [],
            "cat/train_same.jpg has the bytes of dog/test_c.jpg",
        ),
        (
            {**TRAIN, "sha256": digest("yesterday's pixels")},
            [TRAIN, VAL],
            [COPY],
            "cat/train_a.jpg descends from no image of the split",
        ),
        (
            {**COPY, "sha256": digest("yesterday's pixels")},
            [TRAIN, VAL],
            [COPY],
            "cat/train_a_0.jpg descends from no image of the split",
        ),
        (
            copy_of(original("cat/train_gone.jpg", "train"), 0),
            [TRAIN, VAL],
            [copy_of(original("cat/train_gone.jpg", "train"), 0)],
            "cat/train_gone_0.jpg descends from no image of the split",
        ),
    ],
    ids=[
        "validation image",
        "test image",
        "copy of a validation image",
        "copy of a validation image passed off as training",
        "same source",
        "same group",
        "same bytes",
        "original of other bytes",
        "copy of other bytes",
        "copy of an image that is no longer there",
    ],
)
def test_each_kind_of_leak_is_named(trained, originals, copies, line):
    assert found([TRAIN, trained], [TRAIN, *originals], copies) == [line]


@settings(deadline=None)
@given(
    images=st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 9)), min_size=6, max_size=40),
    factor=st.integers(0, 3),
    seed=st.integers(-5, 2**40),
    validation=st.floats(0.05, 0.6),
    test=st.floats(0, 0.35),
    stem=st.text(st.characters(exclude_categories=["C"], exclude_characters="/\\"), min_size=1, max_size=8),
)
def test_no_factor_seed_grouping_or_name_lets_a_descendant_cross(images, factor, seed, validation, test, stem):
    parts = naming.stems([f"{number}/{stem}.png" for number in range(len(images))])
    rows = pd.DataFrame(
        original(naming.converted(label, part), "", group=f"group {group}")
        for (label, group), part in zip(images, parts, strict=True)
    )
    try:
        split_of, _ = split.assign(rows, validation, test, seed)
    except HuskyError:
        assume(False)
    rows["split"] = rows["group"].map(split_of)
    rows["file"] = [naming.with_split(file, each) for file, each in zip(rows["file"], rows["split"], strict=True)]
    originals = rows.to_dict("records")
    trained = [row for row in originals if naming.parse_original(row["file"])[1] == "train"]
    copies = [copy_of(row, number) for row in trained for number in range(factor)]
    assert found(trained + copies, originals, copies) == []

    held_out = [row for row in originals if row not in trained]
    assert held_out
    smuggled = [{**copy_of(row, factor), "split": "train"} for row in held_out]
    expected = [f"{naming.with_copy(row['file'], factor)} descends from {row['file']}" for row in held_out]
    assert found(trained + smuggled, originals, copies + smuggled) == expected


def job(tmp_path: Path, baseline: list[dict], augmented: list[dict], originals: list[dict], copies: list[dict]) -> Job:
    tables = {
        "split": (manifest.NAME, originals),
        "augment": (manifest.NAME, copies),
        "train_baseline": ("rows.csv", baseline),
        "train_augmented": ("rows.csv", augmented),
    }
    for stage, (name, rows) in tables.items():
        (tmp_path / stage).mkdir()
        manifest.write(manifest.make(rows), tmp_path / stage / name)
    (tmp_path / "out").mkdir()
    return bare_job(
        stage="leaks",
        inputs={stage: tmp_path / stage for stage in tables},
        output=tmp_path / "out",
    )


def test_the_gate_counts_what_it_traced(tmp_path):
    given_job = job(tmp_path, [TRAIN], [TRAIN, COPY], [TRAIN, VAL, TEST], [COPY])
    assert leaks.run(given_job) == "0 leaks; 1 and 2 training images traced"
    written = json.loads((tmp_path / "out/leaks.json").read_text())
    assert written == {"leaks": 0, "traced": {"train_baseline": 1, "train_augmented": 2}}


def test_the_gate_fails_the_run_with_the_pairs_and_writes_no_number(tmp_path):
    smuggled = [{**copy_of(VAL, number), "split": "train"} for number in range(7)]
    given_job = job(tmp_path, [TRAIN], [TRAIN, *smuggled], [TRAIN, VAL, TEST], smuggled)
    with pytest.raises(HuskyError) as refusal:
        leaks.run(given_job)
    pairs = ", ".join(f"cat/val_b_{number}.jpg descends from cat/val_b.jpg" for number in range(5))
    assert str(refusal.value) == (
        f"7 images that train_augmented was trained on leak from what is held out: {pairs} and 2 more. "
        f"No number is reported. Delete {tmp_path}/split and {tmp_path}/augment, and run again."
    )
    assert list((tmp_path / "out").iterdir()) == []


def test_the_gate_looks_at_the_baseline_too(tmp_path):
    given_job = job(tmp_path, [TRAIN, TEST], [TRAIN], [TRAIN, VAL, TEST], [])
    with pytest.raises(HuskyError, match=r"^1 images that train_baseline .*: dog/test_c.jpg is itself held out\. "):
        leaks.run(given_job)
