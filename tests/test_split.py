"""split: groups never cross it, order and paths do not matter, and growth moves nothing unsaid."""

import dataclasses
import hashlib
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import bare_job
from huskies import receipt
from huskies.errors import HuskyError
from huskies.images import manifest, places
from huskies.job import Job
from huskies.steps import split
from hypothesis import given, settings
from hypothesis import strategies as st

DIGEST = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(400)]


def frame(pairs: list[tuple[str, str]]) -> pd.DataFrame:
    """Return rows for (label, group)."""
    return pd.DataFrame(pairs, columns=["label", "group"])


def refusal(pairs: list[tuple[str, str]], test: float = 0.1) -> str:
    with pytest.raises(HuskyError) as error:
        split.assign(frame(pairs), 0.1, test, 1)
    return str(error.value)


# Enough groups of each class that every split can have one.
GROUPS = st.lists(
    st.tuples(st.sampled_from("ab"), st.integers(0, 399)), min_size=0, max_size=60, unique_by=lambda pair: pair[1]
).map(
    lambda pairs: (
        [("a", f"a{n}") for n in range(4)]
        + [("b", f"b{n}") for n in range(4)]
        + [(label, DIGEST[n]) for label, n in pairs]
    )
)
SEED = st.integers(0, 1000)
FRACTION = st.sampled_from([0.05, 0.1, 0.25, 0.4])


@settings(deadline=None)
@given(GROUPS, FRACTION, FRACTION, SEED)
def test_every_class_is_in_every_split(pairs, validation, test, seed):
    split_of, _ = split.assign(frame(pairs), validation, test, seed)
    assert {(label, split_of[group]) for label, group in pairs} == {
        (label, each) for label in "ab" for each in ("train", "val", "test")
    }


@settings(deadline=None)
@given(GROUPS, FRACTION, SEED, st.randoms())
def test_the_order_of_rows_does_not_matter(pairs, fraction, seed, random):
    there, moves = split.assign(frame(pairs), fraction, fraction, seed)
    back, moves_back = split.assign(frame(random.sample(pairs, len(pairs))), fraction, fraction, seed)
    assert there == back
    assert moves == moves_back


@settings(deadline=None)
@given(GROUPS, FRACTION, SEED)
def test_a_group_lies_where_its_hash_says_unless_a_move_is_named(pairs, fraction, seed):
    split_of, moves = split.assign(frame(pairs), fraction, fraction, seed)
    moved = {move["group"] for move in moves}
    for group, where in split_of.items():
        place = places.position(seed, group)
        by_hash = "val" if place < fraction else "test" if place < 2 * fraction else "train"
        assert where == by_hash or group in moved


@settings(deadline=None)
@given(GROUPS, st.sets(st.integers(0, 399), max_size=40), FRACTION, SEED)
def test_adding_images_leaves_the_others_unless_a_move_is_named(pairs, added, fraction, seed):
    known = {group for _, group in pairs}
    more = [("ab"[number % 2], DIGEST[number]) for number in added if DIGEST[number] not in known]
    before, moves_before = split.assign(frame(pairs), fraction, fraction, seed)
    after, moves_after = split.assign(frame(pairs + more), fraction, fraction, seed)
    named = {move["group"] for move in moves_before + moves_after}
    assert {group for group in before if before[group] != after[group]} <= named


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 12)), min_size=1, max_size=40),
    st.sampled_from([0.0, 0.2]),
    SEED,
)
def test_with_groups_of_several_classes_every_class_is_in_every_split_or_the_error_names_it(pairs, test, seed):
    wanted = {"train", "val", "test"} if test else {"train", "val"}
    pairs = [(label, f"g{group}") for label, group in pairs]
    labels = {label for label, _ in pairs}
    try:
        split_of, moves = split.assign(frame(pairs), 0.2, test, seed)
    except HuskyError as error:
        refused = str(error)
    else:
        refused = ""
        assert {(label, split_of[group]) for label, group in pairs} == {
            (label, each) for label in labels for each in wanted
        }
        assert all((move["label"], move["group"]) in pairs for move in moves)
    sizes = {label: len({group for each, group in pairs if each == label}) for label in labels}
    beginnings = [f"the class '{label}' is too small: its images form {sizes[label]} group(s)" for label in labels]
    assert any(map(refused.startswith, beginnings)) if refused else min(sizes.values()) >= len(wanted)


def test_a_move_takes_the_lowest_place_that_can_be_spared_and_is_named():
    groups = sorted((f"g{number}" for number in range(200)), key=lambda group: places.position(1, group))
    high = groups[-4:]
    split_of, moves = split.assign(frame([("a", group) for group in high]), 0.1, 0.1, 1)
    assert split_of == {high[0]: "val", high[1]: "test", high[2]: "train", high[3]: "train"}
    assert moves == [
        {"group": high[0], "label": "a", "before": "train", "after": "val"},
        {"group": high[1], "label": "a", "before": "train", "after": "test"},
    ]


def test_a_class_with_validation_groups_only_gives_training_one():
    groups = sorted((f"g{number}" for number in range(200)), key=lambda group: places.position(1, group))[:3]
    split_of, moves = split.assign(frame([("a", group) for group in groups]), 0.5, 0.0, 1)
    assert split_of == {groups[0]: "train", groups[1]: "val", groups[2]: "val"}
    assert moves == [{"group": groups[0], "label": "a", "before": "val", "after": "train"}]


def test_three_groups_are_enough_and_two_are_not():
    split_of, _ = split.assign(frame([("a", f"g{number}") for number in range(3)]), 0.1, 0.1, 1)
    assert sorted(split_of.values()) == ["test", "train", "val"]
    assert refusal([("a", "g1"), ("a", "g2"), ("a", "g2")]) == (
        "the class 'a' is too small: its images form 2 group(s), which never cross a split, and train, val, test "
        "need one each. Add images to it, or set split.test to 0 in params.yaml, or remove the class."
    )


@pytest.mark.parametrize("test", [0.0, 0.1])
def test_one_group_is_never_enough(test):
    needed = "train, val, test" if test else "train, val"
    assert refusal([("a", "g1"), ("a", "g1")], test) == (
        f"the class 'a' is too small: its images form 1 group(s), which never cross a split, and {needed} "
        "need one each. Add images to it, or remove the class."
    )


def test_without_a_test_fraction_nothing_is_a_test_image():
    split_of, moves = split.assign(frame([("a", group) for group in DIGEST]), 0.25, 0, 1)
    assert set(split_of.values()) == {"train", "val"}
    assert moves == []


def test_fractions_come_out_about_right():
    pairs = [("a", hashlib.sha256(str(number).encode()).hexdigest()) for number in range(5000)]
    for seed in range(3):
        counts = Counter(split.assign(frame(pairs), 0.2, 0.1, seed)[0].values())
        # Five standard deviations of a draw.
        assert abs(counts["val"] - 1000) < 5 * (5000 * 0.2 * 0.8) ** 0.5
        assert abs(counts["test"] - 500) < 5 * (5000 * 0.1 * 0.9) ** 0.5


def test_another_seed_is_another_split():
    pairs = [("a", group) for group in DIGEST]
    one, other = (split.assign(frame(pairs), 0.3, 0.0, seed)[0] for seed in (1, 2))
    assert one != other


def make_job(tmp_path: Path, rows: list[dict[str, str]], conflicts: tuple[str, ...] = (), **parameters) -> Job:
    """Write the outputs of convert and group as they would be for these rows: file, label, group."""
    folders = {stage: tmp_path / stage for stage in ("convert", "group")}
    made = []
    for number, row in enumerate(rows):
        path = folders["convert"] / row["file"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(f"jpeg {number}".encode())
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        made.append({**row, "group": "", "source_sha256": DIGEST[number], "sha256": sha256, "source": f"raw {number}"})
    manifest.write(manifest.make(made, ["source", "weight"]), folders["convert"] / "manifest.csv")
    folders["group"].mkdir(exist_ok=True)
    manifest.write(pd.DataFrame(rows)[["file", "label", "group"]], folders["group"] / "groups.csv")
    manifest.write(pd.DataFrame({"file": list(conflicts)}, dtype=str), folders["group"] / "conflicts.csv")
    output = tmp_path / "split"
    output.mkdir()
    return bare_job(
        stage="split",
        params={"split": {"given": "keep", "validation": 0.25, "test": 0.25, "seed": 1, **parameters}},
        inputs=folders,
        output=output,
    )


ROWS = [
    {"file": f"{label}/{number}.jpg", "label": label, "group": f"{label}{number // 2}", "weight": str(number)}
    for label in ("cat", "dog")
    for number in range(20)
]


def test_every_image_is_copied_under_the_name_of_its_split(tmp_path):
    job = make_job(tmp_path, ROWS)
    summary = split.run(job)

    rows = manifest.read(job.output / "manifest.csv")
    assert list(rows.columns) == [*manifest.COLUMNS, "source", "weight"]
    assert len(rows) == len(ROWS)
    before = manifest.read(tmp_path / "convert" / "manifest.csv").set_index("source")
    for row in rows.to_dict("records"):
        original = before.loc[row["source"]]
        folder, name = original["file"].split("/")
        assert row["file"] == f"{folder}/{row['split']}_{name}"
        assert (job.output / row["file"]).read_bytes() == (tmp_path / "convert" / original["file"]).read_bytes()
        assert (row["label"], row["sha256"], row["source_sha256"]) == tuple(
            original[["label", "sha256", "source_sha256"]]
        )
        assert row["group"] == next(each["group"] for each in ROWS if each["file"] == original["file"])
        assert row["copy"] == ""
    found = {path.relative_to(job.output).as_posix() for path in job.output.rglob("*.jpg")}
    assert found == set(rows["file"])
    counts = Counter(rows["split"])
    assert summary.splitlines()[0] == f"{counts['train']} train, {counts['val']} val, {counts['test']} test"


def test_images_that_are_left_out_are_nowhere_in_the_folder_and_counted(tmp_path):
    everything, fewer = (make_job(tmp_path / str(number), ROWS, train_per_class=number) for number in (0, 5))
    assert "left out" not in split.run(everything)
    summary = split.run(fewer)
    before, after = (manifest.read(job.output / "manifest.csv") for job in (everything, fewer))
    held_out = before["split"] != "train"
    assert after[after["split"] != "train"].equals(before[held_out].set_axis(after.index[after["split"] != "train"]))
    # Every group has two images, so that the third is taken whole.
    assert Counter(after[after["split"] == "train"]["label"]) == {"cat": 6, "dog": 6}
    found = {path.relative_to(fewer.output).as_posix() for path in fewer.output.rglob("*.jpg")}
    assert found == set(after["file"]) < set(before["file"])
    counts = Counter(after["split"])
    assert summary.splitlines()[0] == (
        f"12 train, {counts['val']} val, {counts['test']} test; {40 - len(after)} left out by split.train_per_class"
    )


def test_an_image_that_others_displace_from_the_training_is_named(tmp_path):
    rows = [{**row, "group": f"{row['label']}{row['file']}"} for row in ROWS]
    first = make_job(tmp_path, rows, train_per_class=3)
    split.run(first)
    receipt.write(first.output, {"stage": "split", "params": first.params})
    first.output.rename(tmp_path / "last")
    trained = manifest.read(tmp_path / "last/manifest.csv").query("label == 'cat' and split == 'train'")
    last = max(trained["group"], key=lambda group: places.position(1, group))
    # One more group, whose place is before it and behind what is held out.
    name = next(each for each in DIGEST if 0.5 < places.position(1, each) < places.position(1, last))
    rows.append({"file": "cat/new.jpg", "label": "cat", "group": name, "weight": ""})
    lines = split.run(dataclasses.replace(make_job(tmp_path, rows, train_per_class=3), previous=tmp_path / "last"))
    file = last.removeprefix("cat")
    assert [line for line in lines.splitlines() if "was in" in line] == [
        f"  {file} was in train before: split.train_per_class leaves it out"
    ]


def test_a_group_never_crosses_a_split(tmp_path):
    job = make_job(tmp_path, ROWS)
    split.run(job)
    rows = manifest.read(job.output / "manifest.csv")
    assert (rows.groupby("group")["split"].nunique() == 1).all()
    assert (rows.groupby("group").size() == 2).all()


def test_conflicting_images_are_in_no_split(tmp_path):
    job = make_job(tmp_path, ROWS, conflicts=("cat/3.jpg", "dog/7.jpg"))
    split.run(job)
    sources = set(manifest.read(job.output / "manifest.csv")["source"])
    assert {f"raw {number}" for number in range(40)} - sources == {"raw 3", "raw 27"}


def test_a_class_that_conflicts_take_away_is_refused(tmp_path):
    rows = [*ROWS, {"file": "owl/1.jpg", "label": "owl", "group": "o", "weight": ""}]
    with pytest.raises(HuskyError) as error:
        split.run(make_job(tmp_path, rows, conflicts=("owl/1.jpg",)))
    assert str(error.value) == (
        "every image of the class 'owl' stands under another label too. Remove the wrong copies."
    )


def test_moves_are_listed_and_said(tmp_path):
    rows = [
        {"file": f"{label}/{n}.jpg", "label": label, "group": f"{label}{n}", "weight": ""}
        for label in "ab"
        for n in range(3)
    ]
    job = make_job(tmp_path, rows, validation=0.001, test=0)
    summary = split.run(job)
    [first, second] = manifest.read(job.output / "moves.csv").to_dict("records")
    assert (first["label"], first["before"], first["after"]) == ("a", "train", "val")
    assert (second["label"], second["before"], second["after"]) == ("b", "train", "val")
    assert summary == "4 train, 2 val, 0 test" + "".join(
        f"\n  moved group {move['group']} of class {move['label']} from train to val, which had none of that class"
        for move in (first, second)
    )
    moved = {first["group"], second["group"]}
    after = manifest.read(job.output / "manifest.csv")
    assert set(after[after["split"] == "val"]["group"]) == moved


@settings(deadline=None)
@given(GROUPS, FRACTION, st.sampled_from([0.0, 0.2]), SEED, st.integers(1, 50))
def test_every_repeat_has_the_same_test_groups_and_every_class_in_each_split(pairs, fraction, test, seed, repeat):
    first, _ = split.assign(frame(pairs), fraction, test, seed)
    again, _ = split.assign(frame(pairs), fraction, test, seed, repeat)
    assert {group for group in again if again[group] == "test"} == {group for group in first if first[group] == "test"}
    wanted = {"train", "val", "test"} if test else {"train", "val"}
    assert {(label, again[group]) for label, group in pairs} == {(label, each) for label in "ab" for each in wanted}


def test_repeats_have_other_validation_groups_and_as_many_of_them():
    pairs = [("a", group) for group in DIGEST]
    held_out = []
    for repeat in range(20):
        split_of, _ = split.assign(frame(pairs), 0.2, 0.3, 1, repeat)
        held_out.append({group for group in split_of if split_of[group] == "val"})
    assert len(set(map(frozenset, held_out))) == 20
    # 400 groups, of which each is one with probability 0.2: within four standard deviations.
    assert all(48 <= len(each) <= 112 for each in held_out)
    assert len(set().union(*held_out)) > 250


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 30)), min_size=20, max_size=80),
    st.integers(1, 12),
    SEED,
    st.integers(0, 3),
)
def test_fewer_training_images_are_the_first_of_them_in_whole_groups_and_no_class_is_without(
    pairs, images, seed, repeat
):
    pairs = [(label, f"{label}{group}") for label, group in pairs] + [
        (each, f"{each}x{n}") for each in "abc" for n in "12"
    ]
    rows = frame(pairs)
    everything, moves = split.assign(rows, 0.2, 0.0, seed, repeat)
    fewer, same_moves = split.assign(rows, 0.2, 0.0, seed, repeat, images)
    assert same_moves == moves
    assert {group: each for group, each in everything.items() if each != "train"}.items() <= fewer.items()
    assert fewer.items() <= everything.items()
    assert fewer.items() <= split.assign(rows, 0.2, 0.0, seed, repeat, images + 1)[0].items()
    place = {group: places.position(f"{seed}:{repeat}" if repeat else seed, group) for group in everything}
    for label in "abc":
        sizes = Counter(group for each, group in pairs if each == label and everything[group] == "train")
        taken, count = set(), 0
        for group in sorted(sizes, key=place.__getitem__):
            if count >= images:
                break
            taken.add(group)
            count += sizes[group]
        assert {group for group in sizes if group in fewer} == taken != set()


def test_a_group_of_two_classes_is_trained_on_where_one_of_them_needs_it():
    pairs = [("a", group) for group in DIGEST[:40]] + [("b", group) for group in DIGEST[40:43]] + [("b", DIGEST[39])]
    everything, _ = split.assign(frame(pairs), 0.3, 0.0, 1)
    fewer, _ = split.assign(frame(pairs), 0.3, 0.0, 1, train_per_class=4)
    trained = [
        group for group in sorted(everything, key=lambda each: places.position(1, each)) if everything[group] == "train"
    ]
    of_a = [group for group in trained if group in DIGEST[:40]]
    assert everything[DIGEST[39]] == "train"
    assert DIGEST[39] not in of_a[:4]
    assert {group for group in fewer if fewer[group] == "train"} == {*of_a[:4], *(set(trained) & set(DIGEST[39:43]))}


def test_no_number_of_training_images_is_all_of_them():
    pairs = [("a", group) for group in DIGEST]
    assert split.assign(frame(pairs), 0.2, 0.1, 1, 0, 0) == split.assign(frame(pairs), 0.2, 0.1, 1)
    assert split.assign(frame(pairs), 0.2, 0.1, 1, 0, 400) == split.assign(frame(pairs), 0.2, 0.1, 1)


def names_of_groups(members: dict[str, str]) -> dict[str, str]:
    """Return the group of each image as `group` names it: the smallest sha256 among those with one key."""
    smallest: dict[str, str] = {}
    for image, key in members.items():
        smallest[key] = min(image, smallest.get(key, image))
    return {image: smallest[key][:16] for image, key in members.items()}


@pytest.mark.long
def test_hundreds_of_additions_move_an_old_image_only_where_its_group_or_its_class_demands_it():
    random = np.random.default_rng(1)
    labels, members = {}, {}
    for number in range(60):
        labels[DIGEST[number]] = "abcd"[number % 4]
        members[DIGEST[number]] = DIGEST[number]

    def table() -> tuple[pd.DataFrame, set[str]]:
        groups = names_of_groups(members)
        rows = pd.DataFrame({"source_sha256": list(members), "label": labels.values(), "group": groups.values()})
        split_of, moves = split.assign(rows, 0.15, 0.15, 1)
        rows["split"] = rows["group"].map(split_of)
        return rows.assign(file=rows["source_sha256"]), {move["group"] for move in moves}

    before, repaired_before = table()
    moved = 0
    for number in range(400):
        image = hashlib.sha256(f"added {number}".encode()).hexdigest()
        labels[image] = "abcd"[random.integers(4)]
        # One in five is a copy of an image that is there; one in twenty joins two groups.
        company = list(random.choice(list(members), 2)) if random.random() < 0.2 else []
        members[image] = members[company[0]] if company else image
        if company and random.random() < 0.25:
            joined = members[company[1]]
            members.update({each: members[image] for each, key in members.items() if key == joined})
        after, repaired = table()
        said = split.moved(after, before)
        expected = []
        # The added image is the last.
        for old, new in zip(before.itertuples(), after.iloc[:-1].itertuples(), strict=True):
            if old.split != new.split:
                by_group = old.group != new.group
                assert by_group or new.group in repaired | repaired_before
                reason = "its group is another now" if by_group else "a class needed it, or needs it no more"
                expected.append(f"{new.source_sha256} was in {old.split} before: {reason}")
        assert said == expected
        moved += len(said)
        before, repaired_before = after, repaired
    assert moved > 0


def test_what_moved_since_the_last_split_is_named(tmp_path):
    first = make_job(tmp_path, ROWS)
    assert "was in" not in split.run(first)
    receipt.write(first.output, {"stage": "split", "params": first.params})
    first.output.rename(tmp_path / "last")
    rows = manifest.read(tmp_path / "last/manifest.csv").set_index("source")
    was, now = rows.loc["raw 0", "split"], "val"
    assert was != now
    # A group that has gained a member with a smaller sha256 has another name, and lies elsewhere.
    name = next(each for each in DIGEST if places.position(1, each) < 0.25)
    rows = [{**row, "group": name} if row["group"] == "cat0" else row for row in ROWS]
    lines = split.run(dataclasses.replace(make_job(tmp_path, rows), previous=tmp_path / "last")).splitlines()
    assert [line for line in lines if "was in" in line] == [
        f"  cat/{now}_{number}.jpg was in {was} before: its group is another now" for number in (0, 1)
    ]
    # With other parameters it is another split altogether, and nothing is said of single images.
    other = dataclasses.replace(make_job(tmp_path / "other", rows, seed=7), previous=tmp_path / "last")
    assert "was in" not in split.run(other)


def whole_set(sizes: dict[str, int]) -> pd.DataFrame:
    """Return rows of a set that is already split: as many groups of one image in each part, of each of two classes."""
    rows = [
        (label, f"{label}-{part}-{number}", part)
        for label in "ab"
        for part, size in sizes.items()
        for number in range(size)
    ]
    return pd.DataFrame(rows, columns=["label", "group", "split"])


DRAWN = {"validation": 0.2, "test": 0.3, "seed": 1}


def test_the_parts_of_a_set_that_is_already_split_are_kept():
    rows = whole_set({"train": 9, "val": 3, "test": 2})
    found, moves, strays = split.divide(rows, "keep", **DRAWN)
    assert (list(found), moves, strays.any()) == (list(rows["split"]), [], False)


def test_mixed_such_a_set_is_split_as_any_other():
    rows = whole_set({"train": 30, "val": 3, "test": 2})
    found, moves, strays = split.divide(rows, "mix", **DRAWN)
    split_of, same_moves = split.assign(rows, **DRAWN)
    assert (list(found), moves, strays.any()) == ([split_of[group] for group in rows["group"]], same_moves, False)


@settings(deadline=None)
@given(GROUPS, FRACTION, SEED)
def test_a_set_without_parts_is_split_as_ever(pairs, fraction, seed):
    rows = frame(pairs).assign(split="")
    found, moves, strays = split.divide(rows, "keep", validation=fraction, test=fraction, seed=seed)
    split_of, same_moves = split.assign(rows, fraction, fraction, seed)
    assert (list(found), moves, strays.any()) == ([split_of[group] for group in rows["group"]], same_moves, False)


@pytest.mark.parametrize(
    ("sizes", "drawn", "fraction"), [({"test": 5}, "val", 0.2), ({"val": 5}, "test", 0.3), ({}, "val", 0.2)]
)
def test_a_part_that_is_missing_is_drawn_from_train(sizes, drawn, fraction):
    rows = whole_set({"train": 300, **sizes})
    found, _, _ = split.divide(rows, "keep", **DRAWN)
    given = rows["split"] != "train"
    assert (found[given] == rows["split"][given]).all()
    assert set(found) == {"train", "val", "test"}
    assert (found[~given] == drawn).mean() == pytest.approx(fraction, abs=0.06)


def test_without_a_test_none_is_drawn_where_none_is_asked_for():
    found, _, _ = split.divide(whole_set({"train": 30, "val": 5}), "keep", **{**DRAWN, "test": 0.0})
    assert set(found) == {"train", "val"}


def test_of_a_group_in_several_parts_the_one_that_is_held_out_most_strictly_keeps_its_images():
    rows = whole_set({"train": 4, "val": 4, "test": 4})
    rows.loc[(rows["label"] == "a") & rows["group"].str.endswith("-0"), "group"] = "one thing"
    rows.loc[rows["group"].isin(["b-train-1", "b-val-1"]), "group"] = "another"
    found, _, strays = split.divide(rows, "keep", **DRAWN)
    assert list(zip(rows["label"][strays], rows["split"][strays], strict=True)) == [
        ("a", "train"),
        ("a", "val"),
        ("b", "train"),
    ]
    assert (found[strays] == "").all()
    assert (found[~strays] == rows["split"][~strays]).all()


def test_a_set_whose_part_lacks_a_class_is_not_divided():
    rows = whole_set({"train": 4, "test": 2})
    with pytest.raises(HuskyError, match=r"^the set is already split, and its test part has no image of the class 'b'"):
        split.divide(rows[(rows["split"] != "test") | (rows["label"] != "b")], "keep", **DRAWN)


def test_a_class_whose_images_are_all_strays_is_not_lost_unsaid():
    rows = whole_set({"train": 4, "test": 2})
    rows.loc[len(rows)] = ("c", "a-test-0", "train")
    with pytest.raises(HuskyError, match=r"its train part has no image of the class 'c'"):
        split.divide(rows, "keep", **DRAWN)


def test_repeats_draw_other_validation_images_of_a_split_set_and_leave_its_test_images():
    rows = whole_set({"train": 60, "val": 20, "test": 20})
    drawn = [split.divide(rows, "keep", **DRAWN, repeat=repeat)[0] for repeat in (1, 2)]
    for found in drawn:
        assert ((found == "test") == (rows["split"] == "test")).all()
        assert (found == "val").sum() == pytest.approx(40, abs=16)
    assert (drawn[0] != drawn[1]).any()


def test_what_is_kept_and_what_is_left_out_of_a_split_set_is_said(tmp_path):
    rows = [
        {"file": f"{label}/{part}_{number}.jpg", "label": label, "group": f"{label}{part}{number}", "split": part}
        for label in "ab"
        for part in ("train", "test")
        for number in range(6)
    ]
    rows[0]["group"] = rows[6]["group"]
    job = make_job(tmp_path, rows)
    first = split.run(job).splitlines()[0]
    made = manifest.read(job.output / "manifest.csv")
    counts = Counter(made["split"])
    assert (counts["test"], counts["train"] + counts["val"]) == (12, 11)
    assert first == (
        f"{counts['train']} train, {counts['val']} val, 12 test; the set is already split, and its train, test are "
        "kept; val is drawn from its train; left out 1 that are one thing with images of a part that is held out "
        "(a/train_0.jpg): split.given: mix keeps them"
    )
