"""row_flows: what each row changes, what it shares with another, and what is left out without the flowers."""

import json
import re
import shutil

import pytest
from conftest import PROJECT, do
from huskies.article import backbone_files, random_policies, row_flows
from huskies.article.row_flows import BEFORE_BACKBONE, BEFORE_SPLIT, BEFORE_TRAINING, BESIDE_AUGMENT
from huskies.controls.flows import noise
from huskies.planning import plan
from huskies.planning.flow import Flow, prepare

BACKBONES = ["MobileNetV2", "MobileNet"]
SMALL = {"article": {"flowers": "data/digits", "seeds": 2, "policies": 3}}
MAKERS = {"augmented_first"}
GATHERED = ("polynomials", "distorted", "old_bottlenecks", "tuning", "article")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The flows of the rows and of the stages that gather them, of two backbones, two splits and three policies."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(PROJECT)
        patch.setattr(plan, "FOLDER", tmp_path_factory.mktemp("plans"))
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.setenv(backbone_files.CHOSEN, ",".join(BACKBONES))
        main = prepare(SMALL)
        yield row_flows.make(main, noise(SMALL), SMALL, False)


@pytest.fixture(scope="module")
def rows(made):
    return {name: flow for name, flow in made.items() if name not in GATHERED}


def test_every_row_is_there_on_each_backbone_and_split(rows):
    several = [
        f"{row}/{backbone}/{number}"
        for row in ("flowers", "gradient_descent", "leaky")
        for number in (1, 2)
        for backbone in BACKBONES
    ]
    assert set(rows) == {"label_safety", *several, "new_policy", "policies/1", "policies/2", "policies/3"}
    assert all(flow.root == f"data/article_rows/{name}" for name, flow in rows.items())


def shared(row: Flow) -> set[str]:
    return set(row.shared) - MAKERS


def test_a_row_shares_all_that_lies_above_its_change(rows):
    expected = {
        "label_safety": (),
        "flowers/MobileNetV2/1": (),
        "flowers/MobileNetV2/2": BEFORE_SPLIT,
        "flowers/MobileNet/1": BEFORE_BACKBONE,
        "flowers/MobileNet/2": BEFORE_BACKBONE,
        "gradient_descent/MobileNetV2/1": BEFORE_TRAINING,
        "gradient_descent/MobileNet/2": BEFORE_TRAINING,
        "leaky/MobileNetV2/1": (),
        "leaky/MobileNetV2/2": BEFORE_SPLIT,
        "leaky/MobileNet/1": BEFORE_BACKBONE,
        "new_policy": BESIDE_AUGMENT,
        "policies/1": BEFORE_SPLIT,
        "policies/2": BESIDE_AUGMENT,
        "policies/3": BESIDE_AUGMENT,
    }
    assert {name: shared(rows[name]) for name in expected} == {name: set(each) for name, each in expected.items()}
    roots = {
        "flowers/MobileNet/2": {"convert": "flowers/MobileNetV2/1", "split": "flowers/MobileNetV2/2"},
        "gradient_descent/MobileNet/2": {
            "group": "flowers/MobileNetV2/1",
            "augment": "flowers/MobileNetV2/2",
            "bottlenecks_augmented": "flowers/MobileNet/2",
        },
        "leaky/MobileNet/2": {"augmented_first": "leaky/MobileNetV2/1", "convert": "leaky/MobileNetV2/1"},
        "policies/3": {"group": "flowers/MobileNetV2/1", "train_baseline": "policies/1"},
    }
    for name, stages in roots.items():
        assert {stage: rows[name].shared[stage] for stage in stages} == {
            stage: f"data/article_rows/{root}" for stage, root in stages.items()
        }


def test_no_two_rows_make_the_same_thing_twice(rows):
    """A flow on the flowers that makes up to its numbers what another makes would have shared it."""
    made = {}
    for name, flow in rows.items():
        for stage in ("convert", "group", "split", "augment", "bottlenecks_original", "train_baseline", "metrics"):
            if stage not in flow.shared and name != "label_safety":
                made.setdefault(flow.receipt(stage).rpartition("/")[2], []).append((name, stage))
    assert [each for each in made.values() if len(each) > 1] == []


def test_a_shared_stage_is_the_very_one_that_its_own_parameters_ask_for(rows):
    """The plans of what a row shares are those that it would have without sharing."""
    for name in ("flowers/MobileNet/2", "gradient_descent/MobileNet/2", "new_policy", "policies/3"):
        flow = rows[name]
        alone = plan.all_plans(flow.params, PROJECT, given={})
        assert {stage for stage in flow.plans if flow.plans[stage] != alone[stage]} == set()


def test_rows_on_the_flowers_train_as_the_article_did(rows):
    first = rows["flowers/MobileNetV2/1"].params
    assert (first["raw"], first["split"]["validation"], first["split"]["test"]) == ("data/digits", 0.2, 0)
    assert first["train"]["steps"] == 15000
    assert (first["train"]["optimizer"], first["train"]["keep"], first["train"]["l2"]) == ("adam", "last", 0)
    assert first["aug"]["factor"] == 5
    descent = rows["gradient_descent/MobileNetV2/2"].params
    assert descent["train"] == {**first["train"], "optimizer": "sgd", "learning_rate": 0.01}
    assert descent["split"] == {**first["split"], "seed": 2}
    assert {name: row.params["backbone"]["weights"] for name, row in rows.items() if name.endswith("t/2")} == {
        "flowers/MobileNet/2": "mini.weights.h5",
        "gradient_descent/MobileNet/2": "mini.weights.h5",
        "leaky/MobileNet/2": "mini.weights.h5",
    }


def test_the_leaky_rows_copy_first_and_hold_out_as_many(rows):
    leaky = rows["leaky/MobileNet/2"]
    assert leaky.params["raw"] == "data/article_rows/leaky/MobileNetV2/1/augmented_first/images"
    assert leaky.params["aug"]["factor"] == 0
    assert leaky.params["split"] == {**rows["flowers/MobileNet/2"].params["split"], "validation": 0.2}
    assert leaky.params["leaks"] == {"action": "warn"}
    maker = rows["leaky/MobileNetV2/1"].plans["augmented_first"]
    assert maker["params"]["aug"] == rows["flowers/MobileNetV2/1"].params["aug"]


def test_tuning_holds_out_test_images_and_tries_the_policies_that_are_drawn(rows):
    split = rows["policies/1"].params["split"]
    assert (split["validation"], split["test"]) == (0.2, 0.3)
    for number in (1, 2, 3):
        assert rows[f"policies/{number}"].params["aug"]["policy"] == random_policies.draw(number)


def test_the_command_line_has_the_last_word(made, rows, monkeypatch, tmp_path):
    monkeypatch.chdir(PROJECT)
    monkeypatch.setattr(plan, "FOLDER", tmp_path)
    flows = row_flows.on_flowers({**SMALL, "train": {"steps": "7"}}, ["MobileNet"])
    assert {flow.params["train"]["steps"] for name, flow in flows.items() if "policies" not in name} == {7}


def test_the_row_on_the_fly_has_all_four_distortions_and_shares_whatever_it_reads(made, rows):
    row = made["distorted"]
    assert row.plans["distorted"]["params"]["distort"] == {
        "steps": 100,
        "flip_left_right": True,
        "random_crop": 10,
        "random_scale": 10,
        "random_brightness": 10,
    }
    first = rows["flowers/MobileNetV2/1"]
    assert row.upstream("distorted") == [first.receipt(stage) for stage in ("split", "bottlenecks_original", "leaks")]


def test_the_stages_that_gather_read_what_their_jobs_look_for(made):
    old = made["old_bottlenecks"]
    read = ("split", "augment", "bottlenecks_original", "bottlenecks_augmented", "metrics")
    planned = old.plans["old_bottlenecks"]
    assert list(planned["inputs"]) == [f"{name}/{stage}" for name in ("before", "policy", "seed") for stage in read]
    assert planned["inputs"]["policy/split"] == planned["inputs"]["before/split"] != planned["inputs"]["seed/split"]
    assert planned["params"]["train"]["steps"] == 15000
    tuning = made["tuning"].plans["tuning"]
    heads = [f"{stage}_{number}" for number in (1, 2, 3) for stage in ("train_augmented", "leaks")]
    assert list(tuning["inputs"]) == ["split", "bottlenecks_test", *heads]
    assert old.receipt("old_bottlenecks").startswith("data/article_rows/old_bottlenecks/receipt-")
    for name in GATHERED:
        planned = made[name].plans[name]
        read = [path.rpartition("-")[2] for path in made[name].upstream(name)]
        assert read == [f"{digest}.json" for digest in planned["inputs"].values()]


def test_the_page_is_given_every_row(made):
    article = made["article"]
    heads = ("metrics", "train_baseline", "train_augmented")
    several = [f"{backbone}/{number}" for number in (1, 2) for backbone in BACKBONES]
    expected = {f"noise/{stage}" for stage in heads} | {
        "label_safety",
        "polynomials",
        "distorted",
        "old_bottlenecks",
        "tuning",
    }
    expected |= {
        f"{row}/{each}/{stage}" for row in ("flowers", "gradient_descent") for each in several for stage in heads
    }
    expected |= {f"leaky/{each}/metrics" for each in several}
    assert set(article.plans["article"]["inputs"]) == expected
    assert article.receipt("article").startswith("data/article/receipt-")


def test_without_the_flowers_the_other_rows_are_left_and_the_error_says_how_to_get_them(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(PROJECT)
    monkeypatch.setattr(plan, "FOLDER", tmp_path / "plans")
    gone = {"article": {"flowers": str(tmp_path / "gone.zip")}}
    flows = row_flows.make(prepare(gone), noise(gone), gone, False)
    assert list(flows) == ["label_safety", "polynomials", "article"]
    assert {name.split("/")[0] for name in flows["article"].plans["article"]["inputs"]} == {
        "noise",
        "label_safety",
        "polynomials",
    }
    assert capsys.readouterr().err == (
        f"ERROR: there is no {tmp_path}/gone.zip, so that the article's rows on the flowers are left out. Get them "
        "from Kaggle: kaggle datasets download --path data olgabelitskaya/flower-color-images. Or set article.flowers "
        "in params.yaml to where they are: the zip, or the folder that holds flower_labels.csv.\n"
    )


@pytest.mark.long
@pytest.mark.timeout(1500)
def test_every_row_is_built_by_one_command_and_is_then_up_to_date(built, monkeypatch):
    monkeypatch.setenv(backbone_files.CHOSEN, "MobileNet")
    for label in (PROJECT / "data/digits").iterdir():
        (built.folder / "photos" / label.name).mkdir(parents=True)
        for path in sorted(label.glob("*.png"))[:15]:
            shutil.copy(path, built.folder / "photos" / label.name)
    config = ("--config", "article={flowers: photos, seeds: 2, policies: 2}", "train={steps: 24, batch_size: 16}")
    few = ("noise={images: 40}", "aug={factor: 2}", "distort={steps: 2}")
    command = ("snakemake", "--cores", "2", "article", *config, *few)
    said = do(built, *command)
    assert len(re.findall(r"^metrics: ", said, re.MULTILINE)) == 1 + 2 + 2 + 2 + 1
    assert len(re.findall(r"^convert: ", said, re.MULTILINE)) == 4
    assert len(re.findall(r"^augmented_first: ", said, re.MULTILINE)) == 1
    folder = built.folder / "data/article_rows"
    assert json.loads((folder / "old_bottlenecks/old_bottlenecks.json").read_text())["changes"][0]["val_images"] > 0
    assert json.loads((folder / "tuning/tuning.json").read_text())["test_images"] > 0
    for name in ("flowers/MobileNet/1", "flowers/MobileNet/2", "gradient_descent/MobileNet/2"):
        assert json.loads((folder / name / "metrics/metrics.json").read_text())["leaks"] == 0
    assert json.loads((folder / "policies/2/leaks/leaks.json").read_text())["leaks"] == 0
    assert (built.folder / "data/article/article.html").is_file()
    assert do(built, "git", "status", "--porcelain", "data") == ""
    assert "Nothing to be done" in do(built, *command)
