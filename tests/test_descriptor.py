"""descriptor: the same for all turns of an image, in any company, and kept under all that it depends on."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import PROJECT, bare_job
from copies import photos
from huskies.backbone import inference
from huskies.backbone.store import Store
from huskies.images import codec
from huskies.job import Job
from huskies.near_duplicates import alignment, comparison, descriptor

pytestmark = pytest.mark.usefixtures("lent_backbones")


@pytest.fixture(autouse=True)
def _where_the_weights_are(monkeypatch):
    monkeypatch.chdir(PROJECT)


def seen() -> np.ndarray:
    return np.stack([codec.resize(photo, comparison.SIDE) for photo in photos()])


def described(thumbnails: np.ndarray, cores: int = 1) -> np.ndarray:
    return np.concatenate(list(descriptor.compute(thumbnails, cores)))


def make_job(tmp_path) -> Job:
    return bare_job(stage="group", output=tmp_path, files={"w.h5": "1"}, libraries={"keras": "3"})


def test_all_turns_of_an_image_have_one_descriptor_and_other_images_others():
    turns = np.stack([alignment.turned(seen()[3], turn) for turn in range(alignment.TURNS)])
    of_turns = described(turns)
    assert of_turns.shape == (alignment.TURNS, 512)
    assert of_turns.dtype == np.float32
    assert np.allclose(of_turns, of_turns[0], atol=1e-4)
    apart = np.abs(described(seen()) - of_turns[0]).max(axis=1)
    assert np.argmin(apart) == 3
    assert np.sort(apart)[1] > 0.1


def test_a_descriptor_has_the_same_bits_in_any_company_and_on_any_number_of_cores(monkeypatch):
    alone = described(seen())
    monkeypatch.setattr(descriptor, "_CHUNK", 3)
    assert np.array_equal(described(seen(), cores=3), alone)
    assert np.array_equal(described(seen()[[5, 1]]), alone[[5, 1]])


def test_what_is_stored_is_not_computed_again(tmp_path, monkeypatch):
    job, names = make_job(tmp_path), [str(number) for number in range(8)]
    with Store(tmp_path) as store:
        first = descriptor.load(job, store, descriptor.identity(job), seen()[:5], names[:5])
        monkeypatch.setattr(descriptor, "_CHUNK", 2)
        assert np.array_equal(descriptor.load(job, store, descriptor.identity(job), seen(), names), described(seen()))
        monkeypatch.setattr(descriptor, "compute", None)
        assert np.array_equal(descriptor.load(job, store, descriptor.identity(job), seen()[:5], names[:5]), first)


@pytest.mark.parametrize(
    "change", [{"files": {"w.h5": "2"}}, {"libraries": {"keras": "4"}}], ids=["weights", "libraries"]
)
def test_descriptors_of_another_origin_are_others(tmp_path, change):
    job = make_job(tmp_path)
    assert descriptor.identity(replace(job, **change)) != descriptor.identity(job)
    assert descriptor.identity(make_job(tmp_path)) == descriptor.identity(job)


@pytest.mark.parametrize("settled", [{"engine": "tensorflow"}, {"precision": "bfloat16"}], ids=["engine", "precision"])
def test_descriptors_by_another_engine_or_in_another_precision_are_others(tmp_path, monkeypatch, settled):
    before = descriptor.identity(make_job(tmp_path))
    found = inference.settle(descriptor.NETWORK)
    monkeypatch.setattr(inference, "settle", lambda _: {**found, **settled})
    assert descriptor.identity(make_job(tmp_path)) != before
