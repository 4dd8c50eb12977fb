"""The whole sample with the parameters that ship: how it is grouped, and what is said of it on request."""

import json
import re
import shutil

import pytest
from conftest import PROJECT, Clone, clone_project, do, lend_backbones, stages_run
from huskies.images import manifest
from huskies.steps import label_safety

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def sample(first_build, tmp_path_factory) -> tuple[Clone, dict[str, str]]:
    """A clone in which both were asked for, and what the one said and then the other. Not to be changed: copy it."""
    place = tmp_path_factory.mktemp("sample")
    lend_backbones(first_build[0], place)
    clone = clone_project(place / "clone", raw=False)
    shutil.copytree(PROJECT / "data/digits", clone.folder / "data/digits")
    shutil.copy(PROJECT / "params.yaml", clone.folder)
    return clone, {target: do(clone, "snakemake", "--cores", "2", target) for target in ("label_safety", "budget")}


def test_no_digits_are_taken_for_one_across_classes(sample):
    folder = sample[0].folder / "data/group"
    groups = manifest.read(folder / manifest.GROUPS)
    assert len(groups) == 1797
    assert (groups["reasons"] != "").mean() <= 0.01
    assert (groups.groupby("group")["label"].nunique() == 1).all()
    assert manifest.read(folder / manifest.CONFLICTS).empty


def test_flips_and_turns_collapse_and_the_policy_does_not(sample):
    clone, said = sample
    assert stages_run(said["label_safety"]) == [
        *("convert", "group", "split", "bottlenecks_original", "train_baseline", "label_safety"),
    ]
    found = json.loads((clone.folder / "data/label_safety" / label_safety.NAME).read_text())
    rows = {each["transform"]: each for each in found["transforms"]}
    worst = {"horizontal flip", "vertical flip", "turn by 90°", "turn by 180°", "turn by 270°"}
    assert set(list(rows)[:5]) == worst
    assert {name for name, row in rows.items() if row["warning"]} == worst
    assert rows["turn by 180°"]["most_confused"].startswith("6 → 9: ")
    assert "WARNING" not in said["label_safety"]
    [advice] = re.findall(r"^do not add: (.+)$", said["label_safety"], re.MULTILINE)
    assert set(advice.split(", ")) == worst


def test_a_turn_in_the_policy_is_warned_of_by_name_and_runs_nothing_else(sample):
    clone = sample[0].copy(sample[0].folder.parent / "turned")
    clone.set(aug__policy=[{"transform": "Rotate", "limit": [180, 180], "p": 0.5}])
    said = do(clone, "snakemake", "--cores", "2", "label_safety")
    assert stages_run(said) == ["label_safety"]
    assert re.search(r"^WARNING: aug\.policy\.0 Rotate collapses in 3, 6, [^:]*9: ", said, re.MULTILINE)


def test_more_photos_are_foretold_without_a_look_at_the_test_images(sample):
    clone, said = sample
    assert stages_run(said["budget"]) == ["augment", "bottlenecks_augmented", "cross_validation", "budget"]
    numbers = json.loads((clone.folder / "data/budget/budget.json").read_text())
    assert numbers["sentence"] in said["budget"]
    assert numbers["sentence"].startswith("40 more photos a class, as many again: ")
    for head in ("baseline", "augmented"):
        rises = [point[head]["accuracy"] for point in numbers["points"]]
        assert rises[0] < rises[-1]
        for row in numbers["forecast"][head]["more"]:
            assert row["low"] < row["gain"] < row["high"] < 0.06
    assert not (clone.folder / "data/bottlenecks_test").exists()
