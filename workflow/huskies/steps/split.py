"""split: every image gets its prefix, `train_`, `val_` or `test_`; a group never crosses a split.

Those that split.train_per_class leaves out are in data/split under no name.

Membership is a threshold on a hash of (seed, group), not a draw: it does not depend on paths, order or machine,
and adding images leaves the others where they are. TensorFlow's retrain.py split by a hash in the same spirit.
A set that comes already split keeps its parts, unless split.given is mix.
"""

import shutil
from collections import Counter
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from huskies import receipt, restore
from huskies.errors import HuskyError, some
from huskies.images import given_parts, manifest, naming, places
from huskies.job import Job

MOVES = "moves.csv"


def assign(
    rows: pd.DataFrame,
    validation: float,
    test: float,
    seed: int,
    repeat: int = 0,
    train_per_class: int = 0,
    parts: Mapping[str, str] | None = None,
) -> tuple[dict[str, str], list[dict[str, str]]]:
    """Return (split of each group, moves) for rows with the columns label and group.

    validation, test: the expected fraction of the groups of each class; test may be 0. repeat: above 0, other
    validation groups are drawn from those that are not test groups with repeat 0, so that whoever compares repeats
    has not looked at the test set. A class that would be left without a group in some split is given its
    lowest-placed one that can be spared; such moves are listed with the keys group, label, before, after.
    train_per_class: above 0, a group that would be trained on has a split only where, for one of its classes, fewer
    images than that stand before it, by place; so a larger number trains on the same groups and more, no class is
    without one, and what is held out is the same for every number. A group is taken whole, so that a class may have
    a few images more.
    parts: of a set that is already split, the part of each group. Its test groups stay so, and its validation groups do
    with repeat 0; a part that it lacks is drawn from what it trains on. With another repeat, as large a fraction of all
    that is not tested on is drawn for validation.
    Raises HuskyError if a class has too few groups for that.
    """
    held_out = {group: part for group, part in (parts or {}).items() if part != "train"}
    own = Counter(held_out.values())
    drawn_val, drawn_test = 0.0 if own["val"] else validation, 0.0 if own["test"] else test
    wanted = ["train", "val"] + (["test"] if test or own["test"] else [])
    place = {group: places.position(seed, group) for group in rows["group"].unique()}
    split_of = {
        group: "val" if where < drawn_val else "test" if where < drawn_val + drawn_test else "train"
        for group, where in place.items()
    } | held_out
    moves = places.fill_classes(rows, split_of, place, wanted, partial(_too_small, wanted), held_out)
    if repeat:
        tested = {group for group, split in split_of.items() if split == "test"}
        place = {group: places.position(f"{seed}:{repeat}", group) for group in place}
        fraction = own["val"] / (len(place) - len(tested)) if own["val"] else validation / (1 - drawn_test)
        for group in split_of.keys() - tested:
            split_of[group] = "val" if place[group] < fraction else "train"
        both = ["train", "val"]
        others = places.fill_classes(rows, split_of, place, both, partial(_too_small, both), tested)
        moves = [move for move in moves if move["after"] == "test"] + others
    if train_per_class:
        trained = {group for group, split in split_of.items() if split == "train"}
        left_out = trained - _first(rows[rows["group"].isin(trained)], place, train_per_class)
        split_of = {group: split for group, split in split_of.items() if group not in left_out}
    return split_of, moves


def divide(rows: pd.DataFrame, given: str, **drawn: Any) -> tuple[pd.Series, list[dict[str, str]], pd.Series]:
    """Return (split of each row, moves, whether each row is a stray) by the parameters of the section `split`.

    rows: columns label, group and split, the part of a set that is already split. What is left out has the empty split.
    Strays are left out since a part that is held out more strictly has an image of their group. Raises HuskyError as
    `assign` does, and where a part of such a set has nothing of a class.
    """
    parts = given_parts.of_groups(rows) if given == "keep" else {}
    strays = given_parts.strays(rows, parts)
    given_parts.check(rows, parts)
    split_of, moves = assign(rows[~strays], **drawn, parts=parts)
    return rows["group"].map(split_of).where(~strays).fillna(""), moves, strays


def _first(rows: pd.DataFrame, place: dict[str, float], images: int) -> set[str]:
    """Return the groups of which some class has fewer than `images` images in the groups before them."""
    sizes = rows.groupby(["label", "group"], as_index=False).size()
    sizes = sizes.assign(place=sizes["group"].map(place)).sort_values(["place", "group"])
    before = sizes.groupby("label")["size"].cumsum() - sizes["size"]
    return set(sizes["group"][before < images])


def moved(rows: pd.DataFrame, earlier: pd.DataFrame) -> list[str]:
    """Return a line for each image that is held out or trained on otherwise than in an earlier manifest.

    Both have the columns file, source_sha256, group, split; the split of an image that is left out is empty. Images
    are told apart by content, whatever their names.
    """
    before = {row.source_sha256: row for row in earlier.itertuples()}
    lines = []
    for row in rows.itertuples():
        was = before.get(row.source_sha256)
        if was is not None and was.split != row.split:
            joined = was.group != row.group
            otherwise = "a class needed it, or needs it no more" if row.split else "split.train_per_class leaves it out"
            reason = "its group is another now" if joined else otherwise
            lines.append(f"{row.file} was in {was.split} before: {reason}")
    return lines


def _too_small(wanted: list[str], label: str, groups: int) -> str:
    without_test = " or set split.test to 0 in params.yaml," if len(wanted) == 3 and groups >= 2 else ""
    return (
        f"the class '{label}' is too small: its images form {groups} group(s), which never cross a split, and "
        f"{', '.join(wanted)} need one each. Add images to it,{without_test} or remove the class."
    )


def run(job: Job) -> str:
    """Fill job.output with `<class>/<split>_<stem>.jpg`, manifest.csv and moves.csv; return a line on it."""
    parameters = job.params["split"]
    rows = manifest.read(job.inputs["convert"] / manifest.NAME)
    groups = manifest.read(job.inputs["group"] / manifest.GROUPS)
    conflicts = manifest.read(job.inputs["group"] / manifest.CONFLICTS)
    rows["group"] = rows["file"].map(groups.set_index("file")["group"])
    rows = rows[~rows["file"].isin(conflicts["file"])]
    lost = sorted(set(groups["label"]) - set(rows["label"]))
    if lost:
        raise HuskyError(
            f"every image of the class '{lost[0]}' stands under another label too. Remove the wrong copies."
        )
    parts = given_parts.of_groups(rows) if parameters["given"] == "keep" else {}
    rows["split"], moves, strays = divide(rows, **parameters)
    stray = sorted(rows.loc[strays, "file"])
    left_out, rows = rows[rows["split"] == ""], rows[rows["split"] != ""]
    converted = rows["file"]
    rows["file"] = [naming.with_split(file, split) for file, split in zip(converted, rows["split"], strict=True)]
    for before, after in zip(converted, rows["file"], strict=True):
        path = job.output / after
        path.parent.mkdir(exist_ok=True)
        shutil.copyfile(job.inputs["convert"] / before, path)
    manifest.write(rows, job.output / manifest.NAME)
    pd.DataFrame(moves, columns=["group", "label", "before", "after"]).to_csv(job.output / MOVES, index=False)
    counts = rows["split"].value_counts()
    summary = ", ".join(f"{counts.get(split, 0)} {split}" for split in naming.SPLITS)
    unused = len(left_out) - len(stray)
    summary += given_parts.said(parts, parameters["test"])
    summary += f"; {unused} left out by split.train_per_class" if unused else ""
    if stray:
        summary += (
            f"; left out {len(stray)} that are one thing with images of a part that is held out ({some(stray)}): "
            "split.given: mix keeps them"
        )
    named = [
        f"moved group {move['group']} of class {move['label']} from {move['before']} to {move['after']}, "
        "which had none of that class"
        for move in moves
    ]
    return "\n  ".join([summary, *named, *moved(pd.concat([rows, left_out]), last(job))])


def last(job: Job) -> pd.DataFrame:
    """Return the manifest of the stage's last output if it was made with the same parameters, else an empty one."""

    def read(folder: Path | None) -> pd.DataFrame:
        content = receipt.read(folder) if folder else None
        if content is None or content["plan"]["params"] != job.params:
            return pd.DataFrame(columns=["file", "source_sha256", "group", "split"])
        return manifest.read(folder / manifest.NAME)

    if job.previous:
        return read(job.previous)
    with restore.output(job, lambda name: name.endswith((".csv", ".json"))) as folder:
        return read(folder)
