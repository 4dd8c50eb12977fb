"""Tests of the stage cross_validation, from real images to its numbers."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import USES_KERAS, in_own_cache
from everything_inputs import PARAMS, stage, write
from huskies import receipt
from huskies.errors import HuskyError
from huskies.images import corrections, manifest
from huskies.job import Job
from huskies.steps import cross_validation

pytestmark = USES_KERAS


def made(folder: Path, twin: bool = False, cores: int = 1, **changed: dict) -> tuple[Job, str]:
    """Run the stages down to cross_validation; return its job and its line. changed: sections of the parameters."""
    params = {**PARAMS, **changed}
    write(folder, params, twin)
    job = dataclasses.replace(stage("cross_validation", folder, params), cores=cores)
    return job, cross_validation.run(job)


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    folder = tmp_path_factory.mktemp("asked")
    with in_own_cache(folder):
        return made(folder)


def test_every_image_but_the_test_images_is_asked_once_a_repeat(asked):
    job, _ = asked
    found = pd.read_csv(job.output / "predictions.csv", dtype={"group": str})
    images = manifest.read(job.inputs["split"] / manifest.NAME)
    expected = sorted(images.loc[images["split"] != "test", "file"])
    assert [sorted(rows["file"]) for _, rows in found.groupby("repeat")] == [expected, expected]
    assert (found.groupby(["repeat", "group"])["fold"].nunique() == 1).all()
    assert list(found.columns) == [
        *("file", "label", "group", "sha256", "repeat", "fold", "baseline", "augmented"),
        *("baseline_p_cat", "baseline_p_dog", "augmented_p_cat", "augmented_p_dog"),
    ]
    for head in ("baseline", "augmented"):
        probabilities = found[[f"{head}_p_cat", f"{head}_p_dog"]]
        assert probabilities.sum(axis=1).to_numpy() == pytest.approx(np.ones(len(found)), abs=1e-5)
        assert (probabilities.idxmax(axis=1) == f"{head}_p_" + found[head]).all()


def test_the_numbers_are_those_of_the_predictions(asked):
    job, line = asked
    numbers = json.loads((job.output / "cross_validation.json").read_text())
    found = pd.read_csv(job.output / "predictions.csv")
    for head in ("baseline", "augmented"):
        assert numbers[head]["accuracy"] == pytest.approx((found[head] == found["label"]).mean(), abs=1e-6)
        assert numbers[head]["low"] <= numbers[head]["accuracy"] <= numbers[head]["high"]
    assert (numbers["images"], numbers["groups"], numbers["folds"], numbers["repeats"]) == (13, 12, 2, 2)
    assert (numbers["leaks"], numbers["leaks_action"]) == (0, "fail")
    # Half of the images, and of them with two copies each.
    assert [numbers[head]["training_images"] for head in ("baseline", "augmented")] == [6, 20]
    gain = numbers["augmented"]["accuracy"] - numbers["baseline"]["accuracy"]
    assert numbers["gain"]["accuracy"] == pytest.approx(gain, abs=1e-6)
    assert line.startswith("13 images, each held out in turn: ")
    assert (job.output / "table.txt").read_text().endswith(f"{numbers['sentence']}\n")


def test_copies_of_validation_images_are_gone_when_it_ends(asked):
    job, _ = asked
    names = sorted(path.name for path in job.output.iterdir())
    assert names == ["cross_validation.json", "label_issues.csv", "per_class.csv", "predictions.csv", "table.txt"]


def test_label_issues_can_be_fed_back_as_they_stand(asked, tmp_path, monkeypatch):
    job, _ = asked
    found = manifest.read(job.output / "label_issues.csv")
    assert list(found.columns) == ["file", "label", "labelled", "score", "reason", "image"]
    images = manifest.read(job.inputs["split"] / manifest.NAME)
    assert len(found)
    assert set(found["file"]) <= set(images.loc[images["split"] != "test", "source"])
    assert (found["label"] != found["labelled"]).all()
    monkeypatch.chdir(tmp_path)
    found.head(1).to_csv("corrections.csv", index=False)
    [(file, (label, _))] = corrections.read().items()
    assert (file, label) == tuple(found.loc[0, ["file", "label"]])


@pytest.mark.usefixtures("in_project")
def test_the_bytes_are_the_same_elsewhere_on_more_cores_and_from_the_store(asked, tmp_path):
    first, _ = asked
    again, _ = made(tmp_path, cores=3)
    assert receipt.digests(again.output) == receipt.digests(first.output)


@pytest.mark.usefixtures("in_project")
def test_a_class_that_is_too_small_for_the_folds_is_refused_by_name(tmp_path):
    with pytest.raises(HuskyError, match="the class 'cat' is too small for 9 folds"):
        made(tmp_path, cross_validation={"folds": 9, "repeats": 1})


@pytest.mark.usefixtures("in_project")
def test_a_near_duplicate_in_another_fold_stops_the_run(tmp_path, monkeypatch):
    with pytest.raises(HuskyError) as refused:
        made(tmp_path, twin=True)
    assert "1 training images leak from what is held out: " in str(refused.value)
    assert "is a near-duplicate of" in str(refused.value)
    assert "python -m huskies pairs different" in str(refused.value)


@pytest.mark.usefixtures("in_project")
def test_with_warn_the_numbers_are_there_and_called_false(tmp_path):
    job, line = made(tmp_path, twin=True, leaks={"action": "warn"})
    numbers = json.loads((job.output / "cross_validation.json").read_text())
    assert numbers["leaks"] == 1
    assert numbers["sentence"].startswith("These numbers are false")
    assert (job.output / "table.txt").read_text().startswith("These numbers are false")
    assert line.endswith("1 leaks")
    assert len(pd.read_csv(job.output / "leaks.csv")) == 1


@pytest.mark.usefixtures("in_project")
def test_without_copies_there_is_nothing_to_gain(tmp_path):
    job, _ = made(tmp_path, aug={**PARAMS["aug"], "factor": 0})
    found = pd.read_csv(job.output / "predictions.csv")
    assert (found["baseline"] == found["augmented"]).all()
    assert json.loads((job.output / "cross_validation.json").read_text())["gain"]["accuracy"] == 0
