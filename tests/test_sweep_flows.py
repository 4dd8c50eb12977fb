"""sweep_flows: one flow for each setting, which share all that the setting does not change."""

import numpy as np
import pytest
from conftest import PROJECT
from huskies.article import backbone_files, sweep_flows
from huskies.article.sweep_flows import Setting
from huskies.augmentation import policy
from huskies.errors import HuskyError
from huskies.planning import plan
from sweeps import DESCRIBED, SMALL, write


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
