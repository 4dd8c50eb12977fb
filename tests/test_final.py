"""final: trained on all photos but the test's, it says what cross-validation said, and knows itself out of fold."""

import dataclasses
import json
import shutil

import numpy as np
import pandas as pd
import pytest
from conftest import USES_KERAS, Clone, do, in_own_cache
from everything_inputs import PARAMS
from finals import SECTIONS, final_of, made
from huskies import outputs
from huskies.errors import HuskyError
from huskies.images import manifest
from huskies.model import folder, strangers, unseen
from huskies.steps import final

pytestmark = USES_KERAS

ASKED = {"baseline": {"accuracy": 0.9}, "augmented": {"accuracy": 0.95}}


@pytest.fixture(scope="module")
def handed_over(tmp_path_factory):
    place = tmp_path_factory.mktemp("handed_over")
    with in_own_cache(place):
        return made(place, predict={"accept": 0.95, "method": "mahalanobis"})


def numbers_of(job) -> dict:
    return json.loads((job.output / outputs.FINAL).read_text())


def test_it_leaves_a_folder_that_is_complete_in_itself(handed_over):
    job, said = handed_over
    assert sorted(path.name for path in job.output.iterdir() if not path.name.startswith("receipt-")) == [
        "backbone.weights.h5",
        "classifier.npz",
        "final.json",
        "labels.txt",
        "neighbours.npy",
        "photos.csv",
        "reliability.svg",
        "table.txt",
    ]
    assert (job.output / "table.txt").read_text().rstrip() in said
    assert folder.read(job.output).labels == ["cat", "dog"]


def test_every_photo_but_the_test_images_is_trained_on(handed_over):
    job, _ = handed_over
    rows = manifest.read(job.inputs["split"] / manifest.NAME)
    kept = rows[rows["split"] != "test"]
    assert manifest.read(job.output / "photos.csv")["sha256"].tolist() == kept["sha256"].tolist()
    numbers = numbers_of(job)
    assert numbers["photos"] == len(kept)
    assert numbers["copies"] == (2 * len(kept) if numbers["head"] == "augmented" else 0)


def test_what_is_said_of_its_accuracy_is_the_out_of_fold_number_by_name(handed_over):
    job, _ = handed_over
    asked = json.loads((job.inputs["cross_validation"] / outputs.CROSS_VALIDATION).read_text())
    numbers = numbers_of(job)
    of_head = asked[numbers["head"]]
    assert {key: numbers["out_of_fold"][key] for key in ("accuracy", "low", "high")} == {
        key: of_head[key] for key in ("accuracy", "low", "high")
    }
    assert "out-of-fold accuracy" in numbers["sentence"]
    assert f"{of_head['low']:.1%} to {of_head['high']:.1%}" in numbers["sentence"]


@pytest.mark.parametrize(
    ("wanted", "augmented", "expected"),
    [
        ("auto", 0.95, "augmented"),
        ("auto", 0.9, "baseline"),
        ("auto", 0.8, "baseline"),
        ("baseline", 0.95, "baseline"),
        ("augmented", 0.8, "augmented"),
    ],
)
def test_the_better_head_out_of_fold_is_taken_and_that_without_copies_on_a_tie(wanted, augmented, expected):
    assert final.arm(wanted, {**ASKED, "augmented": {"accuracy": augmented}}) == expected


def test_the_regularisation_is_what_most_heads_chose_and_of_equals_the_first():
    parameters = {**PARAMS["train"], "scaling": "discriminants", "shrinkage": "auto", "l2": "auto"}
    one, other = ({"scaling": "discriminants", "shrinkage": each, "l2": 0.1} for each in (0.3, 0.03))
    for chosen, expected in (([one, other, other], other), ([other, one], one), ([other], other)):
        found = final.settle(parameters, chosen)
        assert {key: found[key] for key in expected} == expected
    assert final.settle(PARAMS["train"], [{"scaling": "standardise", "l2": 0.0}]) == PARAMS["train"]


def test_false_numbers_are_said_to_be_false():
    numbers = {"accuracy": 0.9, "low": 0.8, "high": 1.0}
    said = final.expected({"baseline": numbers, "images": 40, "leaks": 2}, "baseline")
    assert said.startswith("These numbers are false, for held-out images leaked into the training (leaks: 2). ")


def test_photos_are_asked_of_the_heads_that_cross_validation_asked(handed_over):
    job, _ = handed_over
    params = {**PARAMS, **SECTIONS}
    asked = pd.read_csv(job.inputs["cross_validation"] / outputs.PREDICTIONS)
    first = asked[asked["repeat"] == 0]
    job = dataclasses.replace(job, output=job.output.parent / "again", params=params)
    job.output.mkdir()
    with in_own_cache(job.output.parent):
        everything = final.gather(
            job, job.output / "copies", params["aug"], params["backbone"], 90, test=None, inputs=job.inputs
        )
        fold = final.folds_of(everything.images, manifest.read(job.inputs["cross_validation"] / outputs.PREDICTIONS))
        assert fold.tolist() == first["fold"].tolist()
        parameters = {**params["train"], "widths": None}
        for head, rows in (("baseline", len(fold)), ("augmented", len(everything.rows))):
            logits, scores = unseen.ask(everything, rows, fold, parameters, 1, "final")
            found = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
            assert found == pytest.approx(first[[f"{head}_p_cat", f"{head}_p_dog"]].to_numpy(), abs=1e-4)
            assert scores.keys() == strangers.METHODS.keys()
    shutil.rmtree(job.output)


def test_test_images_are_trained_on_where_that_is_asked_for_and_change_no_number_but_thresholds(handed_over):
    job, _ = handed_over
    changed = {**PARAMS, **SECTIONS, "final": {"head": "auto", "with_test": True}}
    changed["predict"] = job.params["predict"]
    with in_own_cache(job.output.parent):
        again, _ = final_of(job.output.parent, changed, "with_test")
    rows = manifest.read(job.inputs["split"] / manifest.NAME)
    trained = manifest.read(again.output / "photos.csv")
    assert sorted(trained["sha256"]) == sorted(rows["sha256"])
    before, after = numbers_of(job), numbers_of(again)
    for key in ("out_of_fold", "per_class", "calibration", "none_of_these"):
        assert before[key] == after[key]
    assert (before["photos"], after["photos"]) == (13, 14)


def test_the_same_bytes_come_out_on_any_number_of_cores(handed_over):
    job, _ = handed_over
    again = dataclasses.replace(job, output=job.output.parent / "cores", cores=2)
    again.output.mkdir()
    with in_own_cache(job.output.parent):
        final.run(again)
    for path in again.output.iterdir():
        assert path.read_bytes() == (job.output / path.name).read_bytes(), path.name


def test_int8_is_refused(handed_over, monkeypatch):
    job, _ = handed_over
    monkeypatch.setattr(final.inference, "settle", lambda backbone, split: {**backbone, "precision": "int8"})
    with pytest.raises(HuskyError) as error:
        final.run(job)
    assert str(error.value) == (
        "backbone.precision: a classifier in int8 cannot be handed over. Set it to auto or float32."
    )


@pytest.mark.long
def test_a_held_out_photo_has_the_probability_from_its_raw_file_that_the_flow_gives_and_a_push_carries_it(built: Clone):
    built.set(final__head="baseline")
    do(built, "snakemake", "--cores", "2", "final")
    data = built.folder / "data"
    assert (data / "final.dvc").is_file()
    index = manifest.read(data / "bottlenecks_test" / outputs.INDEX)
    features = np.load(data / "bottlenecks_test" / outputs.FEATURES)
    model = folder.read(data / "final")
    rows = manifest.read(data / "split" / manifest.NAME).set_index("file").loc[index["file"]]
    files = [f"data/digits/{source}" for source in rows["source"]]
    # The code of the clone, whatever is installed.
    predict = ("env", "PYTHONPATH=workflow", "python", "-m", "huskies", "predict", "--format", "jsonl", "--top", "9")
    answered = do(built, *predict, "data/final", *files)
    temperature = model.numbers["calibration"]["temperature"]
    expected = final.special.softmax(model.classifier.logits(features) / temperature, axis=1)
    for line, probabilities in zip(answered.splitlines()[-len(files) :], expected, strict=True):
        found = json.loads(line)["labels"]
        assert [found[label] for label in model.labels] == [round(float(each), 6) for each in probabilities]

    do(built, "git", "add", "data/final.dvc", "dvc.lock")
    do(built, "git", "commit", "-qm", "the first one")
    do(built, "git", "tag", "v1")
    shutil.rmtree(data / "final")
    again = do(built, *predict, "@v1", files[0])
    assert again.splitlines()[-1] == answered.splitlines()[-len(files)]
