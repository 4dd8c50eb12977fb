"""flows: a control is the user's flow with other parameters, and shares what they do not change."""

import pytest
from conftest import PROJECT
from huskies.controls import flows
from huskies.errors import HuskyError
from huskies.planning import plan
from huskies.planning.flow import Flow, prepare


@pytest.fixture
def project(monkeypatch, tmp_path):
    """The project as the current folder, with plans published elsewhere."""
    monkeypatch.chdir(PROJECT)
    monkeypatch.setattr(plan, "FOLDER", tmp_path / "plans")


@pytest.fixture
def main(project) -> Flow:
    return prepare({})


def test_the_flow_on_noise_differs_in_parameters_alone(main):
    noise = flows.noise({})
    assert main.plans.keys() - noise.plans.keys() == {
        "cross_validation",
        "budget",
        "encoders",
        "final",
        "gate",
        "export",
    }
    common = main.plans.keys() & noise.plans.keys()
    assert {name for name in common if noise.plans[name]["code"] != main.plans[name]["code"]} == set()
    assert noise.plans["convert"]["inputs"].keys() == {"noise_images"}
    assert noise.params["raw"] == "data/noise/noise_images/images"
    assert (noise.params["train"]["steps"], noise.params["train"]["keep"]) == (15000, "last")
    assert noise.params["backbone"] == main.params["backbone"]
    assert noise.receipt("metrics").startswith("data/noise/metrics/receipt-")
    assert noise.upstream("convert") == [noise.receipt("noise_images")]
    assert noise.plans["metrics"]["provenance"]["raw"] == noise.plans["convert"]["inputs"]["noise_images"]


def test_the_command_line_has_the_last_word_on_the_noise(project):
    noise = flows.noise({"noise": "{seed: 5}", "train": {"steps": "7"}, "raw": "photos"})
    assert noise.plans["noise_images"]["params"]["noise"]["seed"] == 5
    assert noise.params["train"]["steps"] == 7
    assert noise.params["raw"] == "data/noise/noise_images/images"
    with pytest.raises(HuskyError, match=r"^params\.yaml: noise\.classes is 1, but must be at least 2\.$"):
        flows.noise({"noise": {"classes": 1}})


def test_the_leaky_flow_holds_out_the_same_fraction_of_what_is_no_test_image_and_opens_the_gates(main):
    leaky = flows.leaky(main, "data/leakage/data")
    assert leaky.params["split"] == {**main.params["split"], "validation": pytest.approx(0.5), "test": 0.0}
    assert leaky.params["aug"] == {**main.params["aug"], "factor": 0}
    assert leaky.params["group"] == {"near_duplicates": False}
    assert leaky.params["leaks"] == {"action": "warn"}
    maker = leaky.plans["augmented_first"]
    assert maker["params"]["aug"] == main.params["aug"]
    assert maker["inputs"].keys() == {"split"}
    assert leaky.receipt("augmented_first").startswith("data/leakage/data/augmented_first/receipt-")
    assert leaky.upstream("augmented_first") == [main.receipt("split")]
