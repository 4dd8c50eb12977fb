"""The sweep: which flows there are and what they share, and what is said of their numbers."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import CLASSES, IMAGES_A_CLASS, PROJECT, Clone, bare_job, do
from huskies.article import backbone_files, sweep, sweep_flows, sweep_runs
from huskies.article.sweep_flows import Setting
from huskies.augmentation import policy
from huskies.errors import HuskyError
from huskies.images import manifest
from huskies.planning import plan
from PIL import Image
from ruamel.yaml import YAML

DESCRIBED = YAML(typ="safe").load((PROJECT / sweep_flows.FILE).read_text(encoding="utf-8"))
# Four flows without copies, two of them with mixup, and a policy.
SMALL = {
    "params": {"split": {"validation": 0.3, "test": 0.0, "seed": 1}, "train": {"steps": 24, "keep": "last"}},
    "backbone": DESCRIBED["backbone"],
    "splits": 1,
    "train_per_class": [2, 4],
    "factors": [1, 2],
    "curve_factor": 2,
    "mixup": 0.2,
    "policies": {"light": [{"transform": "HorizontalFlip", "p": 0.5}]},
}


@pytest.fixture
def project(monkeypatch, tmp_path):
    """The project as the current folder, no weights of Keras, and plans published elsewhere."""
    monkeypatch.chdir(PROJECT)
    monkeypatch.setattr(plan, "FOLDER", tmp_path / "plans")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))


@pytest.fixture
def small(project, monkeypatch, tmp_path) -> dict:
    """A small sweep in place of the project's; what --config says of where the photos are."""
    (tmp_path / "photos").mkdir()
    write(tmp_path / "sweep.yaml", SMALL)
    monkeypatch.setattr(sweep_flows, "FILE", tmp_path / "sweep.yaml")
    return {"article": {"flowers": str(tmp_path / "photos")}}


def write(path: Path, described: dict) -> None:
    with open(path, "w", encoding="utf-8") as file:
        YAML().dump(described, file)


def test_the_settings_are_all_copies_where_images_are_most_and_one_number_where_they_are_fewer():
    found = [setting.key for setting in sweep_flows.settings(SMALL)]
    assert found == [
        "none/0/2/1",
        "mixup/0/2/1",
        "light/2/2/1",
        "none/0/4/1",
        "mixup/0/4/1",
        "light/1/4/1",
        "light/2/4/1",
    ]
    assert Setting("light", 2, 4, 1).alias == "sweep_light_2_4_1_"


def test_the_projects_sweep_has_the_policies_and_the_numbers_that_it_says():
    settings = list(sweep_flows.settings(DESCRIBED))
    assert len(settings) == len(set(settings))
    assert list(DESCRIBED["policies"]) == ["light", "common", "strong", "randaugment", "augmix", "cutout"]
    assert {each.factor for each in settings} == {0, 1, 2, 5, 10, 20}
    assert {each.train_per_class for each in settings} == {5, 10, 15}
    assert DESCRIBED["params"]["train"]["keep"] == "last"


@pytest.mark.parametrize("name", DESCRIBED["policies"])
def test_each_policy_changes_a_photo_and_leaves_it_one(name):
    photo = np.random.default_rng(0).integers(0, 256, (128, 128, 3), np.uint8)
    augment = policy.build(DESCRIBED["policies"][name])
    copies = [augment(photo, seed) for seed in range(20)]
    assert all(copy.dtype == np.uint8 and copy.ndim == 3 and min(copy.shape[:2]) > 64 for copy in copies)
    changed = [copy.shape != photo.shape or (copy != photo).any() for copy in copies]
    assert sum(changed) >= 14


def test_a_setting_changes_its_own_parameters_and_no_others(small):
    values = {section: dict(each) for section, each in sweep_flows.params.load().items() if isinstance(each, dict)}
    of = {
        each.policy: sweep_flows.parameters(each, SMALL, values)
        for each in (Setting("none", 0, 2, 3), Setting("mixup", 0, 2, 3), Setting("light", 7, 2, 3))
    }
    for name, factor, used, mixup in (
        ("none", 0, [], 0.0),
        ("mixup", 0, [], 0.2),
        ("light", 7, SMALL["policies"]["light"], 0.0),
    ):
        assert of[name] == {
            **values,
            "split": {**values["split"], "repeat": 3, "train_per_class": 2},
            "train": {**values["train"], "mixup": mixup},
            "aug": {**values["aug"], "factor": factor, "policy": used},
        }


def test_what_does_not_depend_on_the_policy_is_made_once(small):
    flows = sweep_flows.flows(small)
    first, base = flows[Setting("none", 0, 2, 1)], flows[Setting("none", 0, 4, 1)]
    assert first.shared == {}
    assert base.shared == dict.fromkeys(["convert", "group"], first.root)
    before = {"convert": first.root, "group": first.root}
    of_base = ["split", "bottlenecks_original", "bottlenecks_test"]
    with_copies = [*of_base, "train_baseline"]
    with_mixup = [*of_base, "augment", "bottlenecks_augmented"]
    for factor in (1, 2):
        flow = flows[Setting("light", factor, 4, 1)]
        assert flow.root == f"data/sweep_flows/light/{factor}/4/1"
        assert flow.shared == before | dict.fromkeys(with_copies, base.root)
        assert flow.receipt("metrics").startswith(f"{flow.root}/metrics/receipt-")
        assert flow.receipt("train_baseline") == base.receipt("train_baseline")
        assert flow.log("augment") == f"logs/sweep_flows/light/{factor}/4/1/augment.log"
    mixed = flows[Setting("mixup", 0, 4, 1)]
    assert mixed.shared == before | dict.fromkeys(with_mixup, base.root)
    for setting, flow in flows.items():
        own = {stage for stage in flow.shared if flow.plans[stage] != base.plans[stage]}
        assert own <= (
            {"split", *of_base, "train_baseline", "augment", "bottlenecks_augmented"}
            if setting.train_per_class == 2
            else set()
        )
    # Stages of one name and one plan are the same stage.
    receipts = [flow.receipt(stage) for flow in flows.values() for stage in plan.lineage("metrics", flow.plans)]
    assert len({receipt.rpartition("/")[2] for receipt in receipts}) == len(set(receipts))


def test_all_flows_are_of_the_photos_and_hold_out_no_test_images(small):
    for flow in sweep_flows.flows(small).values():
        assert flow.params["raw"] == small["article"]["flowers"]
        assert flow.params["split"]["test"] == 0.0
        assert flow.params["backbone"]["name"] == "MobileNet"


def test_the_backbone_is_the_one_whose_weights_are_there_and_else_the_users(small):
    backbone = backbone_files.read("MobileNetV2")
    weights = backbone_files.weights(backbone)
    weights.parent.mkdir()
    weights.touch()
    for flow in sweep_flows.flows(small).values():
        assert backbone.items() <= flow.params["backbone"].items()


def test_the_command_line_has_the_last_word(small):
    for flow in sweep_flows.flows({**small, "train": {"steps": "7"}}).values():
        assert flow.params["train"]["steps"] == 7


def test_missing_photos_are_said_to_be_missing(small):
    with pytest.raises(HuskyError) as error:
        sweep_flows.flows({"article": {"flowers": "data/nowhere"}})
    assert str(error.value) == (
        "there is no data/nowhere. Get the flower photos as docs/article.md says, or set article.flowers in "
        "params.yaml to photos of your own."
    )


def test_a_policy_that_is_wrong_is_named(small):
    write(sweep_flows.FILE, {**SMALL, "policies": {"light": [{"transform": "Rotat"}]}})
    with pytest.raises(HuskyError) as error:
        sweep_flows.flows(small)
    assert str(error.value) == (
        f"{sweep_flows.FILE}: light: aug.policy.0: there is no transform 'Rotat'. Did you mean 'Rotate'?"
    )


# Which of four images each setting gets right, on two splits; the first two images of both are the same.
RIGHT = {
    "none/0/4": ["1100", "1000"],
    "mixup/0/4": ["1100", "1100"],
    "light/1/4": ["1110", "1110"],
    "light/2/4": ["1111", "1101"],
    "strong/1/4": ["0100", "1000"],
    "strong/2/4": ["1100", "1000"],
    "none/0/2": ["1000", "0000"],
    "mixup/0/2": ["1000", "0000"],
    "light/2/2": ["1100", "1000"],
    "strong/2/2": ["1100", "1100"],
}
FILES = ["a/val_1.jpg", "a/val_2.jpg", "b/val_3.jpg", "b/val_4.jpg"]


@pytest.fixture
def inputs(tmp_path) -> dict[str, Path]:
    """The folders of metrics of RIGHT."""
    folders = {}
    for cell, splits in RIGHT.items():
        for split, answers in enumerate(splits, 1):
            folder = tmp_path / "metrics" / cell / str(split)
            folder.mkdir(parents=True)
            baseline = {"images": 4 * int(cell.rpartition("/")[2]), "val_images": 4, "val_accuracy": 0.0}
            augmented = {"val_accuracy": answers.count("1") / 4}
            (folder / "metrics.json").write_text(json.dumps({"baseline": baseline, "augmented": augmented, "leaks": 0}))
            files = FILES if split == 1 else [*FILES[:2], "b/val_5.jpg", "b/val_6.jpg"]
            predicted = ["x" if right == "1" else "y" for right in answers]
            table = pd.DataFrame({"file": files, "actual": "x", "predicted": predicted})
            table.to_csv(folder / "predictions.csv", index=False)
            folders[f"{cell}/{split}"] = folder
    return folders


def test_a_gain_is_over_no_copies_of_the_same_images_on_the_same_split(inputs):
    runs, answers = sweep_runs.read(inputs)
    found = {(row.policy, row.factor, row.train_per_class, row.split): row.gain for row in runs.itertuples()}
    assert found["light", 1, 4, 1] == 0.25
    assert found["light", 1, 4, 2] == 0.5
    assert found["strong", 1, 4, 1] == -0.25
    assert found["strong", 2, 2, 2] == 0.5
    assert all(gain == 0 for (policy, *_), gain in found.items() if policy == "none")
    assert len(answers) == 20 * 4
    light = answers.query("policy == 'light' and factor == 2 and train_per_class == 4 and split == 2")
    assert light["right"].tolist() == [True, True, False, True]


def test_the_interval_of_a_cell_is_that_of_a_resampled_mean(inputs):
    runs, _ = sweep_runs.read(inputs)
    found = sweep_runs.cells(runs).set_index(["policy", "factor", "train_per_class"])
    # Gains of 1/4 and 1/2; a quarter as many validation as training images; 12.7062 is t's 97.5 % for one degree.
    half = 12.7062 * np.std([0.25, 0.5], ddof=1) * (1 / 2 + 4 / 16) ** 0.5
    light = found.loc["light", 1, 4]
    assert (light["gain"], light["splits"], light["train_images"], light["val_images"]) == (0.375, 2, 16, 4)
    assert (light["low"], light["high"]) == pytest.approx((0.375 - half, 0.375 + half), abs=1e-4)
    assert found.loc["none", 0, 4][["gain", "low", "high"]].isna().tolist() == [False, True, True]


def test_runs_on_one_split_are_averaged_before_splits_are_compared(inputs):
    runs, _ = sweep_runs.read(inputs)
    mean, low, high = sweep_runs.mean_gain(runs.query("policy == 'light' and train_per_class == 4"), 0.25)
    half = 12.7062 * np.std([0.375, 0.5], ddof=1) * 0.75**0.5
    assert (mean, low, high) == pytest.approx((0.4375, 0.4375 - half, 0.4375 + half), abs=1e-4)


TEXT = """\
MobileNetV2, validation accuracy without copies: 12.5% with 2, 37.5% with 4 training images of each class, in the \
mean of 2 splits with 4 validation images each.
Below are gains over that, in points, with 95 % intervals for the mean over splits.

By copies of each image, with 4 training images of each class:

|  | 1 | 2 | mean |
| --- | ---: | ---: | ---: |
| light | +37.5 (-157.0 to +232.0) | +50.0 | +43.8 (-53.5 to +141.0) |
| strong | -12.5 (-207.0 to +182.0) | +0.0 | -6.2 (-103.5 to +91.0) |
| mean | +12.5 (-182.0 to +207.0) | +25.0 | +18.8 (-78.5 to +116.0) |

By training images of each class, with 2 copies of each, and mixup with none:

|  | 2 | 4 | mean |
| --- | ---: | ---: | ---: |
| light | +25.0 | +50.0 | +37.5 |
| strong | +37.5 (-157.0 to +232.0) | +0.0 | +18.8 (-78.5 to +116.0) |
| mixup | +0.0 | +12.5 (-182.0 to +207.0) | +6.2 (-91.0 to +103.5) |
| mean | +31.2 (-66.0 to +128.5) | +25.0 | +28.1 (-20.5 to +76.8) |

An interval of one cell is ± 194.5 points in the median. Of 8 cells, 0 have one above 0, and 0 one below; luck would \
make about 0 of each.
The best of 6 settings, light at factor 2, is right in 87.5%, and all in the mean in 52.1%: it leads by 35.4 points. \
Chance alone would let the best lead by 17.8 points, and in 95 % of cases by at most 35.4, so that its lead is \
within luck.
"""


def test_the_table_has_the_gains_the_width_of_their_intervals_and_what_luck_does(inputs, tmp_path):
    (tmp_path / "out").mkdir()
    parameters = {"backbone": {"name": "MobileNetV2"}}
    job = bare_job("sweep", tmp_path / "out", params=parameters, inputs=dict(reversed(inputs.items())))
    assert sweep.run(job) == f"\n{TEXT.rstrip()}"
    assert (tmp_path / "out/table.md").read_text() == TEXT
    assert len(pd.read_csv(tmp_path / "out/runs.csv")) == 20
    assert len(pd.read_csv(tmp_path / "out/sweep.csv")) == 10
    first = (tmp_path / "out/sweep.png").read_bytes()
    with Image.open(tmp_path / "out/sweep.png") as picture:
        assert picture.size == (1750, 750)
    sweep.run(job)
    assert (tmp_path / "out/sweep.png").read_bytes() == first


def test_a_lead_that_chance_cannot_give_is_more_than_luck():
    answers = pd.DataFrame(
        [(name, 1, f"{image}", name == "good") for name in ("good", *"abcdefgh") for image in range(30)],
        columns=["policy", "factor", "file", "right"],
    )
    said = sweep.luck(answers)
    assert said.startswith(
        "The best of 9 settings, good at factor 1, is right in 100.0%, and all in the mean in 11.1%:"
    )
    assert said.endswith("so that its lead is more than luck.")


@pytest.mark.long
@pytest.mark.timeout(1500)
def test_the_sweep_runs_through_the_flow_and_shares_what_it_can(clone: Clone, monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    clone.set(article__flowers="data/digits")
    write(clone.folder / sweep_flows.FILE, {**SMALL, "train_per_class": [4]})
    said = do(clone, "snakemake", "--cores", "2", "sweep")
    assert "MobileNet, validation accuracy without copies: " in said
    times = {
        "convert": 1,
        "group": 1,
        "split": 1,
        "bottlenecks_original": 1,
        "augment": 3,
        "train_baseline": 2,
        "metrics": 4,
    }
    assert {stage: said.count(f"\n{stage}: ") for stage in times} == times
    rows = manifest.read(clone.folder / "data/sweep_flows/none/0/4/1/split/manifest.csv")
    trained = rows[rows["split"] == "train"]
    assert trained.groupby("label").size().max() == 4
    assert f"; {len(CLASSES) * IMAGES_A_CLASS - len(rows)} left out by split.train_per_class\n" in said
    assert "Nothing to be done" in do(clone, "snakemake", "--cores", "2", "sweep")
    assert do(clone, "git", "status", "--porcelain", "data") == ""


def test_a_run_with_leaks_is_refused(tmp_path):
    (tmp_path / "metrics.json").write_text(json.dumps({"leaks": 2}))
    with pytest.raises(HuskyError) as refused:
        sweep_runs.read({"none/0/5/1": tmp_path})
    assert str(refused.value) == (
        f"{tmp_path}: held-out images leaked into the training (2 of them), so that the sweep would be false. "
        "Set group.near_duplicates to true and leaks.action to fail in params.yaml."
    )
