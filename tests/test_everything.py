"""everything: each row of features belongs to the image or copy of the same place, and every image has its copies."""

import numpy as np
import pandas as pd
import pytest
from conftest import PROJECT, USES_KERAS
from everything_inputs import PARAMS, stage, write
from huskies.images import manifest
from huskies.training.everything import Everything, gather

pytestmark = USES_KERAS


@pytest.fixture(scope="module")
def gathered(tmp_path_factory) -> tuple[Everything, pd.DataFrame]:
    folder = tmp_path_factory.mktemp("gathered")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(PROJECT)
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        write(folder, PARAMS)
        job = stage("cross_validation", folder, PARAMS)
        aug, backbone, quality = PARAMS["aug"], PARAMS["backbone"], PARAMS["convert"]["quality"]
        found = gather(job, job.output / "copies", aug, backbone, quality, job.inputs)
        return found, manifest.read(folder / "split" / manifest.NAME)


def test_every_image_but_the_test_images_is_there_once_with_its_copies(gathered):
    found, images = gathered
    assert sorted(found.images["file"]) == sorted(images.loc[images["split"] != "test", "file"])
    assert np.bincount(found.source).tolist() == [1 + PARAMS["aug"]["factor"]] * len(found.images)
    assert found.source[: len(found.images)].tolist() == list(range(len(found.images)))


def test_rows_features_and_sources_are_in_one_order(gathered):
    found, _ = gathered
    assert sum(map(len, found.features)) == len(found.rows) == len(found.source)
    assert (found.rows["source_sha256"] == found.images["source_sha256"].to_numpy()[found.source]).all()
    assert (found.rows["label"] == found.images["label"].to_numpy()[found.source]).all()


def test_labels_are_numbers_in_the_order_of_the_classes_names(gathered):
    found, _ = gathered
    assert found.labels.tolist() == (found.images["label"] == "dog").astype(int).tolist()
