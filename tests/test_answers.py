"""answers: one for each photo, in order, with the pixels of the flow, and a reason for each that cannot be read."""

import threading

import numpy as np
import pytest
from bottleneck_inputs import picture
from conftest import USES_KERAS, in_own_cache
from finals import made
from huskies import outputs
from huskies.images import codec, manifest
from huskies.images.conversion import convert_image
from huskies.model import answers, classifier, folder
from huskies.model.given_photos import Photo

pytestmark = [*USES_KERAS, pytest.mark.usefixtures("lent_backbones")]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    place = tmp_path_factory.mktemp("answers")
    with in_own_cache(place):
        job, _ = made(place, aug={"factor": 0, "seed": 1, "policy": []})
        yield folder.read(job.output), job


def photo(number: int) -> Photo:
    return Photo(str(number), lambda: picture(number))


def ask(found, photos: list[Photo], cores: int = 1, top: int = 2, explain: int = 0) -> list[answers.Answer]:
    return list(answers.answer(found, iter(photos), len(photos), cores, top, explain))


def test_a_photo_that_no_head_has_seen_has_the_probability_that_its_bottleneck_has(model):
    found, job = model
    [row] = manifest.read(job.inputs["bottlenecks_test"] / outputs.INDEX).to_dict("records")
    content = (job.inputs["split"] / row["file"]).read_bytes()
    raw = codec.decode(content)
    # As the flow would have it: what lies in split is what convert makes of the raw file.
    png = Photo("raw", lambda: content)
    convert = found.numbers["convert"]
    made_of_it = convert_image(content, convert["quality"], convert["max_side"])
    assert codec.decode(made_of_it).shape == raw.shape
    [answer] = ask(found, [png])
    features = np.concatenate(
        [each for _, each in answers.inference.stream(found.backbone, [made_of_it], codec.decode_jpeg, str, 1)]
    )
    logits = found.classifier.logits(features)
    expected = classifier.probabilities(logits, found.numbers["calibration"]["temperature"])[0]
    assert answer.labels == {found.labels[each]: expected[each] for each in np.argsort(-expected)}


def test_an_answer_is_the_same_in_any_company_and_on_any_number_of_cores(model):
    found, _ = model
    photos = [photo(number) for number in range(9)]
    together = ask(found, photos, explain=2)
    assert together == [each for one in photos for each in ask(found, [one], explain=2)]
    assert together == ask(found, photos, cores=2, explain=2)


def test_a_photo_that_was_trained_on_is_nearest_to_itself_and_accepted(model):
    found, job = model
    row = found.photos.iloc[3]
    content = (job.inputs["split"] / row["file"]).read_bytes()
    [answer] = ask(found, [Photo("known", lambda: content)], explain=1)
    assert answer.accepted
    [(file, label, distance)] = answer.nearest
    assert (file, label) == (row["source"], row["label"])
    assert distance < 0.01


def test_broken_photos_have_their_reason_in_their_place(model):
    found, _ = model

    def absent() -> bytes:
        raise FileNotFoundError(2, "No such file or directory")

    broken = [Photo("empty", lambda: b""), Photo("text", lambda: b"some text"), Photo("gone", absent)]
    raw = Photo("photo.cr2", lambda: b"II*\x00\x10\x00\x00\x00CR" + bytes(90))
    given = [broken[0], photo(1), broken[1], raw, photo(2), broken[2]]
    assert [(each.file, each.reason) for each in ask(found, given)] == [
        ("empty", "the file is empty"),
        ("1", ""),
        ("text", "not a picture of a format that is read"),
        ("photo.cr2", "a RAW photo of a camera: export it as JPEG"),
        ("2", ""),
        ("gone", "cannot be read: No such file or directory"),
    ]
    assert [each.reason for each in ask(found, broken[:1])] == ["the file is empty"]


def test_photos_are_read_when_their_turn_comes(model, monkeypatch):
    found, _ = model
    monkeypatch.setattr(answers.inference, "_AHEAD", 1)
    read, lock = [], threading.Lock()

    def counted(number: int) -> Photo:
        def content() -> bytes:
            with lock:
                read.append(number)
            return picture(number)

        return Photo(str(number), content)

    given = answers.answer(found, map(counted, range(40)), 40, 1, 1, 0)
    next(given)
    assert len(read) < 20
    assert len(list(given)) == 39


@pytest.mark.parametrize("method", ["neighbours", "mahalanobis", "probability", "energy"])
def test_each_method_accepts_up_to_its_threshold(model, method):
    found, _ = model
    refusal = found.numbers["none_of_these"]
    try:
        for threshold, accepted in ((1e9, True), (-1e9, False)):
            found.numbers["none_of_these"] = {"method": method, "methods": {method: {"threshold": threshold}}}
            assert [each.accepted for each in ask(found, [photo(1)])] == [accepted]
    finally:
        found.numbers["none_of_these"] = refusal
