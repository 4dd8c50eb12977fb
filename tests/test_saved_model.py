"""saved_model: one signature that says what the model says, and nothing that is random."""

import pytest
from conftest import USES_KERAS
from exported import DESCRIPTION, METHODS, PIXELS, described, expected, whole
from huskies.exports import ask, saved_model

pytestmark = USES_KERAS


def files(folder) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("method", METHODS)
def test_its_signature_says_what_the_classifier_says(tmp_path, method):
    saved_model.save(whole(method), DESCRIPTION, tmp_path / "saved")
    answer = ask.saved_model(str(tmp_path / "saved"))(PIXELS)
    sure, distance = expected(method)
    assert answer["probabilities"].numpy() == pytest.approx(sure, abs=1e-5)
    assert answer["distance"].numpy() == pytest.approx(distance, abs=1e-5)


def test_it_has_its_description_and_no_fingerprint(tmp_path):
    saved_model.save(whole("neighbours"), DESCRIPTION, tmp_path / "saved")
    found = files(tmp_path / "saved")
    assert described(found["assets.extra/two_huskies.json"].decode())
    assert "fingerprint.pb" not in found
