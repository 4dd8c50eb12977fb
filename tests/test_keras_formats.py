"""keras_formats: each format says what the model says and carries its description."""

import json
import zipfile

import keras
import numpy as np
import onnx
import pytest
from conftest import USES_KERAS
from exported import DESCRIPTION, METHODS, PIXELS, described, expected, whole
from huskies.exports import ask, keras_formats

pytestmark = [*USES_KERAS, pytest.mark.filterwarnings("ignore:In the future `np.object`:FutureWarning")]


def check(kind: str, path, method: str) -> None:
    """Each photo is asked by itself, through the format's own runtime."""
    answer = ask.RUNTIMES[kind](str(path))
    for number, (sure, distance) in enumerate(zip(*expected(method), strict=True)):
        found = answer(PIXELS[number : number + 1])
        assert np.asarray(found["probabilities"])[0] == pytest.approx(sure, abs=1e-5)
        assert np.asarray(found["distance"])[0] == pytest.approx(distance, abs=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_keras_reads_its_file_and_the_description_lies_in_the_zip(tmp_path, method):
    keras_formats.to_keras(whole(method), DESCRIPTION, tmp_path / "a.keras")
    check("keras", tmp_path / "a.keras", method)
    with zipfile.ZipFile(tmp_path / "a.keras") as archive:
        assert described(archive.read("two_huskies.json").decode())
        assert {each.date_time for each in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert json.loads(archive.read("metadata.json"))["date_saved"] == ""
    assert keras.models.load_model(tmp_path / "a.keras").name == "two_huskies"


@pytest.mark.parametrize("method", METHODS)
def test_onnxruntime_reads_the_onnx_file_and_its_metadata(tmp_path, method):
    keras_formats.to_onnx(whole(method), DESCRIPTION, tmp_path / "a.onnx")
    check("onnx", tmp_path / "a.onnx", method)
    [entry] = onnx.load(tmp_path / "a.onnx").metadata_props
    assert entry.key == "two_huskies"
    assert described(entry.value)
