"""budget: what was asked by cross_validation is its last point, the rest is trained on parts, and all of it is said."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import USES_KERAS, Clone, do, in_own_cache, stages_run
from everything_inputs import PARAMS, below_cross_validation, stage, write
from huskies import receipt
from huskies.errors import HuskyError
from huskies.job import Job
from huskies.steps import budget, cross_validation
from huskies.training import out_of_fold

pytestmark = USES_KERAS


def made(folder: Path, cores: int = 1, **changed: dict) -> tuple[Job, str]:
    """Run the stages down to budget; return its job and what it says. changed: sections of the parameters."""
    params = {**PARAMS, **changed}
    write(folder, params)
    cross_validation.run(stage("cross_validation", folder, params))
    return again(folder, params, cores)


def again(folder: Path, params: dict, cores: int = 1) -> tuple[Job, str]:
    """Run budget alone, on what is there; return its job and what it says."""
    job = below_cross_validation("budget", folder, params, cores)
    return job, budget.run(job)


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    folder = tmp_path_factory.mktemp("asked")
    with in_own_cache(folder):
        return made(folder)


def copied(asked: tuple[Job, str], place: Path) -> Path:
    """Return a folder with what `made` has left above budget."""
    of_stage = shutil.ignore_patterns("budget")
    return shutil.copytree(asked[0].output.parent, place / "copied", ignore=of_stage)


def numbers_of(job: Job) -> dict:
    return json.loads((job.output / budget.NAME).read_text())


def test_it_leaves_the_numbers_the_table_the_page_the_curve_and_every_answer(asked):
    job, said = asked
    names = sorted(path.name for path in job.output.iterdir())
    assert names == ["answers.csv", "budget.html", "budget.json", "curve.svg", "table.txt"]
    table = (job.output / "table.txt").read_text()
    assert said == f"\n{table}{job.output}/budget.html"
    assert numbers_of(job)["sentence"] in table
    page = (job.output / "budget.html").read_text()
    assert "<svg" in page
    assert "as many again" in page or "cannot be said" in page


def test_the_last_point_is_what_cross_validation_has(asked):
    job, _ = asked
    found = json.loads((job.inputs["cross_validation"] / "cross_validation.json").read_text())
    last = numbers_of(job)["points"][-1]
    for head in ("baseline", "augmented"):
        assert last[head] == {name: found[head][name] for name in ("accuracy", "low", "high")}
    worth = found["gain"]
    assert last["copies"] == {"gain": worth["accuracy"], "low": worth["low"], "high": worth["high"]}
    assert last["photos"] == pytest.approx(13 / 4, abs=0.01)


def test_the_numbers_are_those_of_the_answers(asked):
    job, _ = asked
    found = pd.read_csv(job.output / "answers.csv")
    assert len(found) == 13 * 2 * 4
    for point in numbers_of(job)["points"]:
        rows = found[found["share"] == point["share"]]
        for head in ("baseline", "augmented"):
            assert point[head]["accuracy"] == pytest.approx(rows[head].mean(), abs=1e-6)


def test_so_few_photos_are_too_few_and_are_said_to_be(asked):
    job, _ = asked
    numbers = numbers_of(job)
    assert numbers["forecast"]["baseline"]["why_not"].startswith("6.5 photos a class are too few")
    assert numbers["sentence"].startswith("What more photos would bring cannot be said: 6.5 photos a class")
    assert numbers["next_class"] == {"why_not": "it takes 20 photos of a class to name it, and the largest has 7"}
    assert numbers["copies"].keys() == {"half", "all", "gain", "low", "high"}
    assert (numbers["copies"]["half"], numbers["copies"]["all"]) == (1, 2)


@pytest.mark.usefixtures("in_project")
@pytest.mark.long
def test_the_bytes_are_the_same_on_more_cores(asked, tmp_path):
    first, _ = asked
    other, _ = made(tmp_path, cores=3)
    assert receipt.digests(other.output) == receipt.digests(first.output)


@pytest.mark.usefixtures("in_project")
def test_nothing_is_trained_on_all_photos_again_and_all_that_is_lies_in_its_part(asked, tmp_path, monkeypatch):
    seen = []

    def predict(features, labels, source, fold_of, parameters, cores, name, kept):
        seen.append((labels, source, fold_of, kept))
        for _ in range(2 * len(fold_of)):
            yield np.eye(2, dtype=np.float32)[labels], []

    monkeypatch.setattr(out_of_fold, "predict", predict)
    again(copied(asked, tmp_path), PARAMS)
    [(labels, source, fold_of, kept)] = seen
    # Three parts and half of the copies, of two repeats.
    assert len(fold_of) == len(kept) == 8
    for number in range(6):
        for fold in range(2):
            images = kept[number, fold, : len(labels)]
            assert not images[fold_of[number] == fold].any()
            # The copies of a photo are where it is.
            assert (kept[number, fold] == images[source]).all()
            assert set(labels[images]) == {0, 1}
    for number in range(2):
        for smaller, larger in ((number, number + 2), (number + 2, number + 4)):
            assert not (kept[smaller] & ~kept[larger]).any()
        assert kept[6 + number, :, : len(labels)].all()
        assert np.bincount(source[kept[6 + number, 0]]).tolist() == [2] * len(labels)


@pytest.mark.usefixtures("in_project")
@pytest.mark.long
def test_without_copies_there_is_one_curve(tmp_path):
    job, said = made(tmp_path, aug={**PARAMS["aug"], "factor": 0})
    numbers = numbers_of(job)
    assert list(numbers["forecast"]) == ["baseline"]
    assert numbers["copies"] is None
    assert "with copies" not in said


@pytest.mark.usefixtures("in_project")
def test_a_training_that_diverges_is_an_error(asked, tmp_path):
    worse = {**PARAMS["train"], "optimizer": "sgd", "learning_rate": 1e30, "l2": 1e30}
    with pytest.raises(HuskyError, match=r"diverged\. Lower train\.learning_rate"):
        again(copied(asked, tmp_path), {**PARAMS, "train": worse})


@pytest.mark.long
def test_other_parameters_of_the_training_make_it_anew_and_nothing_makes_it_twice(built: Clone):
    assert stages_run(do(built, "snakemake", "--cores", "2", "budget")) == ["budget"]
    assert stages_run(do(built, "snakemake", "--cores", "2", "budget")) == []
    built.set(train__steps=12)
    assert stages_run(do(built, "snakemake", "--cores", "2", "budget")) == ["cross_validation", "budget"]
