"""saved: labels, scores and predictions of a head are those of the step that was kept."""

import json

import numpy as np
import pytest
from conftest import USES_KERAS
from huskies import outputs
from huskies.backbone.features import load_features
from huskies.images import manifest
from huskies.training import head
from trainings import CURVES, LABELS, TRAIN_ROWS, VAL_ROWS, table

pytestmark = USES_KERAS


def test_labels_stand_in_the_order_of_the_columns_and_keep_their_spelling(trained):
    for job in trained.values():
        assert (job.output / "labels.txt").read_text() == "10\n2\nNA\n"
        validated = table(job, "validation.csv")
        assert list(validated.columns) == ["file", "label", "sha256", "predicted", "p_10", "p_2", "p_NA"]
        assert (validated["predicted"] == validated["label"]).all()
        probabilities = validated[["p_10", "p_2", "p_NA"]].astype(float).to_numpy()
        assert [LABELS[each] for each in probabilities.argmax(axis=1)] == validated["predicted"].tolist()
        assert probabilities.sum(axis=1) == pytest.approx(1, abs=2e-6)


def test_scores_are_those_of_the_kept_step(trained):
    for stage, images in (("train_baseline", 12), ("train_augmented", 36)):
        scores = json.loads((trained[stage].output / "scores.json").read_text())
        assert scores.keys() == {"images", "val_images", "chosen", *CURVES}
        assert (scores["images"], scores["val_images"]) == (images, 9)
        history = table(trained[stage], "history.csv").astype(float).set_index("step")
        assert history.index.tolist() == list(range(1, 61))
        assert history["val_cross_entropy"].idxmin() == scores["step"]
        assert {name: scores[name] for name in CURVES[1:]} == history.loc[scores["step"]].to_dict()


def test_what_each_validation_image_had_is_saved_in_the_order_of_the_predictions(trained):
    for job in trained.values():
        right, cross_entropy = (np.load(job.output / name) for name in (outputs.RIGHT, outputs.CROSS_ENTROPY))
        assert right.shape == cross_entropy.shape == (60, 9)
        kept = json.loads((job.output / "scores.json").read_text())["step"] - 1
        validated = table(job, "validation.csv")
        assert right[kept].tolist() == (validated["predicted"] == validated["label"]).tolist()
        own = [float(row[f"p_{row['label']}"]) for _, row in validated.iterrows()]
        assert np.exp(-cross_entropy[kept]) == pytest.approx(own, abs=2e-6)


def test_the_saved_head_predicts_what_the_validation_table_says(trained):
    job = trained["train_augmented"]
    index, features = load_features(
        job.inputs["bottlenecks_original"], manifest.make(sorted(TRAIN_ROWS + VAL_ROWS, key=lambda each: each["file"]))
    )
    held_out = features[(index["split"] == "val").to_numpy()]
    probabilities = head.predict_with(job.output / head.NAME, held_out)
    expected = table(job, "validation.csv")[["p_10", "p_2", "p_NA"]].astype(float).to_numpy()
    assert probabilities == pytest.approx(expected, abs=1e-6)
