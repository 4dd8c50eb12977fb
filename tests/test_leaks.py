"""leaks: every way in which a held-out image can get into training is found, and named."""

import hashlib
import json
import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import CLASSES, Clone, bare_job, do, write_identity
from copies import KINDS, copy, photos
from huskies.augmentation import policy
from huskies.augmentation.copies import copy_seed
from huskies.errors import HuskyError
from huskies.images import codec, manifest, naming, places
from huskies.job import Job
from huskies.near_duplicates import leaking
from huskies.steps import leaks, split
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def seeded(text: str) -> np.random.Generator:
    return np.random.default_rng(int(digest(text)[:8], 16))


@cache
def pixels(content: str) -> np.ndarray:
    """Return the photo that `content` names, as "photo 3" or "photo 3 mirrored", or noise of its own."""
    named = re.fullmatch(r"photo (\d) ?(.*)", content)
    if named is None:
        return seeded(content).integers(0, 256, (24, 24, 3), dtype=np.uint8)
    photo = photos()[int(named[1])]
    return copy(named[2], photo) if named[2] else photo


@cache
def jpeg(content: str) -> bytes:
    return codec.encode(pixels(content), 95)


def original(file: str, split: str, group: str | None = None, source: str | None = None, content: str = "") -> dict:
    source_sha256 = digest(source or file)
    return {
        "file": file,
        "label": file.split("/")[0],
        "split": split,
        "group": group or source_sha256[:16],
        "source": file.replace(".jpg", ".png"),
        "source_sha256": source_sha256,
        "copy": "",
        "sha256": codec.sha256(jpeg(content or file)),
        "content": content or file,
    }


def copy_of(row: dict, number: int) -> dict:
    file = naming.with_copy(row["file"], number)
    return {**row, "file": file, "copy": str(number), "sha256": digest(f"pixels of {file}")}


TRAIN = original("cat/train_a.jpg", "train")
VAL = original("cat/val_b.jpg", "val")
TEST = original("dog/test_c.jpg", "test")
COPY = copy_of(TRAIN, 0)


def found(trained: list[dict], originals: list[dict], copies: list[dict]) -> list[str]:
    return leaking.sentences(leaks.find_leaks(*map(manifest.make, (trained, originals, copies))))


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


POLICIES = [
    [],
    [{"transform": "HorizontalFlip", "p": 1.0}],
    [{"transform": "Affine", "rotate": [-30, 30], "scale": [0.7, 1.3], "p": 1.0}],
    [{"transform": "RandomBrightnessContrast", "p": 0.5}, {"transform": "GaussNoise", "p": 0.5}],
    [{"transform": "CoarseDropout", "p": 1.0}],
]


def augmented(row: dict, number: int, seed: int, steps: list[dict], file: str | None = None) -> dict:
    """Return the manifest row of a copy as the stage augment makes it, under another name if one is given."""
    changed = policy.build(steps)(pixels(row["content"]), copy_seed(seed, row["source_sha256"], number))
    made = copy_of(row, number)
    return {**made, "file": file or made["file"], "sha256": codec.sha256(codec.encode(changed, 95))}


def enough_to_split(members: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """Return the members (label, group) and three more of each of their classes, in groups of their own."""
    labels = sorted({label for label, _ in members})
    return members + [(label, 10 + 3 * number + each) for number, label in enumerate(labels) for each in range(3)]


@settings(max_examples=60)
@given(
    members=st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 9)), min_size=1, max_size=24).map(
        enough_to_split
    ),
    steps=st.sampled_from(POLICIES),
    factor=st.integers(0, 3),
    seeds=st.tuples(st.integers(-5, 2**40), st.integers(0, 2**31)),
    validation=st.floats(0.05, 0.6),
    test=st.floats(0, 0.35),
    stem=st.text(st.characters(exclude_categories=["C"], exclude_characters="/\\"), min_size=1, max_size=8),
    disguised=st.booleans(),
)
def test_no_policy_factor_seed_grouping_or_name_lets_a_descendant_cross(
    members, steps, factor, seeds, validation, test, stem, disguised
):
    parts = naming.stems([f"{number}/{stem}.png" for number in range(len(members))])
    rows = pd.DataFrame(
        original(naming.converted(label, part), "", group=f"group {group}")
        for (label, group), part in zip(members, parts, strict=True)
    )
    split_of, _ = split.assign(rows, validation, test, seeds[0])
    rows["split"] = rows["group"].map(split_of)
    rows["file"] = [naming.with_split(file, each) for file, each in zip(rows["file"], rows["split"], strict=True)]
    originals = rows.to_dict("records")
    trained = [row for row in originals if naming.parse_original(row["file"])[1] == "train"]
    copies = [augmented(row, number, seeds[1], steps) for row in trained for number in range(factor)]
    assert found(trained + copies, originals, copies) == []

    held_out = [row for row in originals if row not in trained]
    assert held_out
    # Disguised as one more copy of a training image, or under the name that such a copy would have.
    names = [
        naming.with_copy(trained[0]["file"] if disguised else row["file"], factor + number)
        for number, row in enumerate(held_out)
    ]
    smuggled = [
        {**augmented(row, factor, seeds[1], steps, name), "split": "train"}
        for row, name in zip(held_out, names, strict=True)
    ]
    expected = [f"{name} descends from {row['file']}" for name, row in zip(names, held_out, strict=True)]
    assert found(trained + smuggled, originals, copies + smuggled) == expected


def features(rows: list[dict]) -> np.ndarray:
    """Return features of which those of a photo and of its copies are alike."""
    alike = [re.sub(r"^(photo \d) .*", r"\1", row["content"]) for row in rows]
    return np.array([seeded(each).normal(size=8) for each in alike], np.float32).reshape(len(rows), 8 if rows else 0)


def job(
    tmp_path: Path,
    baseline: list[dict],
    augmented: list[dict],
    originals: list[dict],
    copies: list[dict],
    action: str = "fail",
) -> Job:
    originals, copies = (sorted(rows, key=lambda row: row["file"]) for rows in (originals, copies))
    is_test = [row["split"] == "test" for row in originals]
    tables = {
        "split": (manifest.NAME, originals),
        "augment": (manifest.NAME, copies),
        "bottlenecks_original": ("index.csv", [row for row, test in zip(originals, is_test, strict=True) if not test]),
        "bottlenecks_augmented": ("index.csv", copies),
        "bottlenecks_test": ("index.csv", [row for row, test in zip(originals, is_test, strict=True) if test]),
        "train_baseline": ("rows.csv", baseline),
        "train_augmented": ("rows.csv", augmented),
    }
    for stage, (name, rows) in tables.items():
        (tmp_path / stage).mkdir()
        manifest.write(manifest.make(rows, ["source"]), tmp_path / stage / name)
        if stage.startswith("bottlenecks"):
            np.save(tmp_path / stage / "features.npy", features(rows))
        if stage.startswith(("bottlenecks", "train")):
            write_identity(tmp_path / stage)
    for row in originals:
        path = tmp_path / "split" / row["file"]
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(jpeg(row["content"]))
    (tmp_path / "out").mkdir()
    return bare_job(
        stage="leaks",
        params={"leaks": {"action": action}},
        inputs={stage: tmp_path / stage for stage in tables},
        output=tmp_path / "out",
    )


@pytest.fixture
def workplace(tmp_path, monkeypatch) -> Path:
    """An empty folder to work in, with logs/ below it."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def written(workplace: Path) -> list[str]:
    return sorted(
        path.relative_to(workplace).as_posix() for name in ("out", "logs") for path in workplace.glob(f"{name}/*")
    )


@pytest.mark.parametrize("action", ["fail", "warn"])
def test_the_gate_counts_what_it_traced(workplace, action):
    given_job = job(workplace, [TRAIN], [TRAIN, COPY], [TRAIN, VAL, TEST], [COPY], action)
    assert leaks.run(given_job) == "0 leaks; 1 and 2 training images traced"
    found = json.loads((workplace / "out/leaks.json").read_text())
    assert found == {"leaks": 0, "action": action, "traced": {"train_baseline": 1, "train_augmented": 2}}
    found_by_stage = ["out/leaks.json"] if action == "fail" else ["out/leaks.csv", "out/leaks.json"]
    assert written(workplace) == ["logs/leaks_pairs.csv", *found_by_stage]


def test_the_gate_fails_the_run_with_the_pairs_and_writes_no_number(workplace):
    smuggled = [{**copy_of(VAL, number), "split": "train"} for number in range(7)]
    given_job = job(workplace, [TRAIN], [TRAIN, *smuggled], [TRAIN, VAL, TEST], smuggled)
    with pytest.raises(HuskyError) as refusal:
        leaks.run(given_job)
    pairs = ", ".join(f"cat/val_b_{number}.jpg descends from cat/val_b.jpg" for number in range(5))
    assert str(refusal.value) == (
        f"7 training images leak from what is held out: {pairs} and 2 more. They are shown in logs/leaks.png. "
        f"No number is reported. Delete {workplace}/split and {workplace}/augment, and run again."
    )
    assert written(workplace) == ["logs/leaks.png", "logs/leaks_pairs.csv"]


def test_the_gate_looks_at_the_baseline_too_and_says_each_leak_once(workplace):
    given_job = job(workplace, [TRAIN, TEST], [TRAIN, TEST], [TRAIN, VAL, TEST], [])
    with pytest.raises(HuskyError, match=r"^1 training images leak .*: dog/test_c.jpg is itself held out\. "):
        leaks.run(given_job)


def look_alike(kind: str, held_out: str) -> list[dict]:
    """Return training images of eight photos, and one held-out copy of the first."""
    trained = [original(f"cat/train_{number}.jpg", "train", content=f"photo {number}") for number in range(8)]
    return [*trained, original(f"cat/{held_out}_x.jpg", held_out, content=f"photo 0 {kind}"), VAL, TEST]


@pytest.mark.parametrize("held_out", ["val", "test"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_copy_across_the_border_stops_the_run_though_nothing_traces_to_it(workplace, kind, held_out):
    rows = look_alike(kind, held_out)
    trained = [row for row in rows if row["split"] == "train"]
    assert found(trained, rows, []) == []
    with pytest.raises(HuskyError) as refusal:
        leaks.run(job(workplace, trained, trained, rows, []))
    message = re.sub(r"[01]\.\d{4}", "S", str(refusal.value))
    assert message == (
        "1 training images leak from what is held out: "
        f"cat/train_0.jpg is a near-duplicate of cat/{held_out}_x.jpg (S). "
        "They are shown in logs/leaks.png. No number is reported. "
        "If these near-duplicates are different things, say so: python -m huskies pairs different. "
        "If they are the same, keep them together: python -m huskies pairs same. Either adds the pairs "
        "that were found to pairs.csv, where you can correct them one by one. Then run again."
    )
    left = Path("logs/leaks_pairs.csv").read_text()
    assert left == f"file,other\n{','.join(sorted(['cat/train_0.png', f'cat/{held_out}_x.png']))}\n"
    with Image.open(workplace / "logs/leaks.png") as shown:
        assert shown.size[0] >= 2 * 128


def test_twenty_pairs_are_shown_side_by_side_wherever_their_images_lie(tmp_path, monkeypatch):
    for file, content in (("augment/cat/train_1_0.jpg", "one"), ("split/cat/val_2.jpg", "other")):
        (tmp_path / file).parent.mkdir(parents=True)
        (tmp_path / file).write_bytes(jpeg(content))
    pair = {"file": "cat/train_1_0.jpg", "held_out": "cat/val_2.jpg", "reason": "near-duplicate", "similarity": "0.99"}
    gone = {**pair, "held_out": "", "reason": "unknown", "similarity": ""}
    drawn = []
    monkeypatch.setattr(leaking.contact_sheet, "draw", lambda rows, _: drawn.extend(rows))
    leaking.draw(pd.DataFrame([pair, gone] + [pair] * 30), [tmp_path / "split", tmp_path / "augment"])
    assert len(drawn) == 20
    assert drawn[0].caption == "cat/train_1_0.jpg\ncat/val_2.jpg\nnear-duplicate 0.99"
    assert [picture.jpeg for picture in drawn[0].pictures] == [jpeg("one"), jpeg("other")]
    assert [picture.jpeg for picture in drawn[1].pictures] == [jpeg("one"), None]


def test_what_pairs_csv_calls_different_is_no_leak_whatever_it_looks_like(workplace):
    rows = look_alike("mirrored", "val")
    trained = [row for row in rows if row["split"] == "train"]
    Path("pairs.csv").write_text("cat/val_x.png,cat/train_0.png,different\ncat/gone.png,cat/val_x.png,different\n")
    given_job = replace(job(workplace, trained, trained, rows, []), files={"pairs.csv": "its digest"})
    assert leaks.run(given_job) == "0 leaks; 8 and 8 training images traced"
    with pytest.raises(HuskyError, match="1 training images leak"):
        leaks.run(replace(given_job, files={}))


def test_a_copy_across_the_border_is_found_through_the_augmented_copies_too(workplace):
    rows = look_alike("mirrored", "val")
    trained = [row for row in rows if row["split"] == "train"]
    # The backbone takes the originals for something else.
    unlike = [{**row, "content": f"unlike {row['content']}"} for row in trained]
    copies = [copy_of(row, number) for row in trained for number in range(2)]
    given_job = job(workplace, trained, trained + copies, rows, copies)
    first = [row for row in unlike + rows if row["split"] != "test" and row not in trained]
    np.save(workplace / "bottlenecks_original/features.npy", features(sorted(first, key=lambda row: row["file"])))
    with pytest.raises(HuskyError, match=r": cat/train_0\.jpg is a near-duplicate of cat/val_x\.jpg \("):
        leaks.run(given_job)


def test_with_warn_the_run_goes_on_and_the_pairs_are_kept(workplace):
    rows = look_alike("cropped", "val")
    trained = [row for row in rows if row["split"] == "train"]
    smuggled = [{**copy_of(VAL, 0), "split": "train"}]
    said = leaks.run(job(workplace, trained, trained + smuggled, rows, smuggled, "warn"))
    found_in = manifest.read(workplace / "out/leaks.csv")
    similarity = found_in["similarity"][1]
    assert found_in.to_dict("records") == [
        {"file": "cat/val_b_0.jpg", "held_out": "cat/val_b.jpg", "reason": "descent", "similarity": ""},
        {"file": "cat/train_0.jpg", "held_out": "cat/val_x.jpg", "reason": "near-duplicate", "similarity": similarity},
    ]
    assert 0.9 < float(similarity) < 1
    counts = {"train_baseline": 8, "train_augmented": 9}
    expected = {"leaks": 2, "action": "warn", "traced": counts}
    assert json.loads((workplace / "out/leaks.json").read_text()) == expected
    assert written(workplace) == ["logs/leaks_pairs.csv", "out/leaks.csv", "out/leaks.json", "out/pairs.png"]
    assert said == (
        "2 leaks; 8 and 9 training images traced. WARNING: cat/val_b_0.jpg descends from cat/val_b.jpg, "
        f"cat/train_0.jpg is a near-duplicate of cat/val_x.jpg ({similarity}): see leaks.csv and pairs.png"
    )


def test_without_test_images_and_copies_the_gate_compares_the_others(workplace):
    rows = [row for row in look_alike("tilted", "val") if row["split"] != "test"]
    trained = [row for row in rows if row["split"] == "train"]
    with pytest.raises(HuskyError, match=r": cat/train_0\.jpg is a near-duplicate of cat/val_x\.jpg \("):
        leaks.run(job(workplace, trained, trained, rows, []))


def test_labels_of_held_out_images_have_no_influence(workplace):
    rows = look_alike("mirrored", "test")
    trained = [row for row in rows if row["split"] == "train"]
    outputs = []
    for number, label in enumerate(("cat", "another")):
        (workplace / str(number)).mkdir()
        labelled = [{**row, "label": label} if row["split"] != "train" else row for row in rows]
        leaks.run(job(workplace / str(number), trained, trained, labelled, [], "warn"))
        outputs.append({path.name: path.read_bytes() for path in (workplace / str(number) / "out").iterdir()})
    assert outputs[0] == outputs[1]


def plant(clone: Clone, source: Path, kind: str, seed: int) -> Path:
    """Write a copy of a raw image, as a JPEG of such a quality that its place in the split is in training."""
    pixels = copy(kind, codec.decode(source.read_bytes()))
    for quality in range(90, 30, -1):
        content = codec.encode(pixels, quality)
        if places.position(seed, codec.sha256(content)[:16]) >= 0.5:
            path = source.with_name(f"{source.stem}-{kind.replace(' ', '-')}.jpg")
            path.write_bytes(content)
            return path
    raise AssertionError("no quality gives a place in training")


@pytest.mark.long
@pytest.mark.usefixtures("converted_before")
def test_a_data_set_with_planted_copies_of_validation_images_is_stopped(clone):
    clone.set(group__near_duplicates=False)
    do(clone, "snakemake", "--cores", "2", "split")
    rows = manifest.read(clone.folder / "data/split/manifest.csv")
    validation = rows[rows["split"] == "val"]
    planted = {}
    for row, kind in zip(validation.itertuples(), ("mirrored", "resized", "recompressed"), strict=False):
        path = plant(clone, clone.folder / "data/digits" / row.source, kind, seed=1)
        planted[f"{path.parent.name}/train_{path.stem}.jpg"] = row.file
    assert len(planted) == len(CLASSES) == 3

    assert clone.run("snakemake", "--cores", "2", "report").returncode != 0
    # Folds are looked at beside this gate and may be refused first, so the gate is asked by itself.
    done = clone.run("snakemake", "--cores", "2", "leaks")
    assert done.returncode != 0
    refusal = next(line for line in done.stderr.splitlines() if line.startswith("ERROR: "))
    assert re.findall(r"(\S+) is a near-duplicate of (\S+) \(", refusal) == sorted(planted.items())
    assert "They are shown in logs/leaks.png. No number is reported." in refusal
    assert (clone.folder / "logs/leaks.png").is_file()
    assert not (clone.folder / "data/metrics").exists() or not list((clone.folder / "data/metrics").iterdir())

    clone.set(leaks__action="warn")
    do(clone, "snakemake", "--cores", "2", "report")
    kept = manifest.read(clone.folder / "data/leaks/leaks.csv")
    assert dict(zip(kept["file"], kept["held_out"], strict=True)) == planted
    assert json.loads((clone.folder / "data/metrics/metrics.json").read_text())["leaks"] == 3

    clone.set(leaks__action="fail", group__near_duplicates=True)
    do(clone, "snakemake", "--cores", "2", "leaks")
    assert json.loads((clone.folder / "data/leaks/leaks.json").read_text())["leaks"] == 0
