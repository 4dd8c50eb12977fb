"""encoders: all are asked on the folds of cross_validation, and the numbers are those of their answers."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from browser import DESKTOP, PHONE, visit
from conftest import BACKBONE, USES_KERAS, in_own_cache
from everything_inputs import PARAMS, below_cross_validation, stage, write
from huskies import receipt
from huskies.job import Job
from huskies.steps import bottlenecks, cross_validation, encoders

pytestmark = [*USES_KERAS, pytest.mark.long]

CANDIDATES = [{**BACKBONE, "layer": "conv_pw_11_relu"}]
PARAMETERS = {**PARAMS, "encoders": {"candidates": CANDIDATES}}


def again(folder: Path, cores: int = 1) -> tuple[Job, str]:
    """Run encoders alone, on what is there; return its job and what it says."""
    job = below_cross_validation("encoders", folder, PARAMETERS, cores)
    return job, encoders.run(job)


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    folder = tmp_path_factory.mktemp("asked")
    with in_own_cache(folder):
        write(folder, PARAMETERS)
        cross_validation.run(stage("cross_validation", folder, PARAMETERS))
        return again(folder)


def numbers_of(job: Job) -> dict:
    return json.loads((job.output / encoders.NAME).read_text())


def test_it_leaves_the_numbers_the_table_the_page_the_chart_the_answers_and_the_cost(asked):
    job, said = asked
    assert sorted(path.name for path in job.output.iterdir()) == [
        "answers.csv",
        "cost.json",
        "encoders.csv",
        "encoders.html",
        "encoders.json",
        "encoders.svg",
        "table.txt",
    ]
    assert (job.output / "table.txt").read_text() in said
    assert said.endswith("/encoders.html")
    page = (job.output / "encoders.html").read_text()
    assert "<svg" in page
    for row in numbers_of(job)["entrants"]:
        assert row["name"] in page
    [present, other] = json.loads((job.output / "cost.json").read_text()).values()
    assert present["milliseconds_an_image"] > 0 < other["milliseconds_an_image"]


def test_every_encoder_enters_with_both_scalings_and_one_is_the_present_one(asked):
    rows = numbers_of(asked[0])["entrants"]
    networks = ["MobileNet, alpha 0.5, mini.weights.h5, 32, last layer"]
    networks += ["MobileNet, alpha 0.5, mini.weights.h5, 32, conv_pw_11_relu"]
    expected = {f"{network}, {scaling}" for network in networks for scaling in encoders.SCALINGS}
    assert {row["name"] for row in rows} == expected
    [present] = [row for row in rows if row["current"]]
    assert present["name"] == f"{networks[0]}, standardise"
    assert present["gain"]["accuracy"] == 0
    assert {row["candidate"] for row in rows} == {0, 1}


def test_the_present_one_has_the_accuracy_that_cross_validation_has(asked):
    job, _ = asked
    found = json.loads((job.inputs["cross_validation"] / "cross_validation.json").read_text())
    [present] = [row for row in numbers_of(job)["entrants"] if row["current"]]
    for head in ("baseline", "augmented"):
        assert present[head] == pytest.approx(found[head]["accuracy"], abs=1e-6)
    assert present["accuracy"] == present["augmented"]


def test_the_numbers_are_those_of_the_answers(asked):
    job, _ = asked
    found = pd.read_csv(job.output / "answers.csv")
    assert len(found) == 13
    for row in numbers_of(job)["entrants"]:
        assert row["accuracy"] == pytest.approx(found[row["name"]].mean() / 2, abs=1e-6)


@pytest.mark.usefixtures("in_project")
def test_all_but_the_time_is_the_same_on_more_cores(asked, tmp_path):
    job, _ = asked
    write(tmp_path, PARAMETERS)
    cross_validation.run(stage("cross_validation", tmp_path, PARAMETERS))
    other, _ = again(tmp_path, cores=3)
    timed = {"cost.json", "encoders.html"}
    first, second = (receipt.digests(each.output) for each in (job, other))
    assert {file: each for file, each in first.items() if file not in timed} == {
        file: each for file, each in second.items() if file not in timed
    }


@pytest.mark.usefixtures("in_project")
def test_what_a_candidate_computes_is_there_once_it_is_the_flows_backbone(tmp_path):
    write(tmp_path, PARAMETERS)
    cross_validation.run(stage("cross_validation", tmp_path, PARAMETERS))
    again(tmp_path)
    (tmp_path / "later").mkdir()
    job = stage("bottlenecks_original", tmp_path / "later", {**PARAMETERS, "backbone": CANDIDATES[0]})
    above = {name: tmp_path / name for name in job.inputs}
    assert bottlenecks.run(dataclasses.replace(job, inputs=above)).startswith("computed 0, reused 13 ")


def test_without_copies_the_head_without_them_competes(asked, tmp_path, monkeypatch):
    right = {"baseline": np.zeros((2, 13), bool), "augmented": np.ones((2, 13), bool)}
    job, _ = asked
    one = encoders.encoders(job)[0]
    folder = tmp_path / "none"
    folder.mkdir()
    seen = next(encoders.compete(dataclasses.replace(job, output=folder)))[3]
    monkeypatch.setattr(
        encoders, "compete", lambda job: iter([(one, scaling, right, seen, 0.1) for scaling in encoders.SCALINGS])
    )
    without = {**job.params, "aug": {**job.params["aug"], "factor": 0}}
    (tmp_path / "encoders").mkdir()
    alone = dataclasses.replace(job, output=tmp_path / "encoders", params=without)
    encoders.run(alone)
    assert numbers_of(alone)["head"] == "baseline"
    assert numbers_of(alone)["entrants"][0]["accuracy"] == 0


@pytest.mark.browser
@pytest.mark.parametrize("size", [PHONE, DESKTOP])
def test_the_page_is_readable_at_any_width_and_loads_nothing(asked, chromium, size):
    with visit(chromium, asked[0].output / encoders.PAGE, size) as seen:
        assert (seen.errors, seen.outside, seen.violations()) == ([], [], [])
