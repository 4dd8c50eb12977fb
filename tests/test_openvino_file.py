"""openvino_file: it says what the classifier says, in float32, and the description is part of the file."""

import numpy as np
import pytest
from conftest import USES_KERAS
from exported import DESCRIPTION, METHODS, PIXELS, described, expected, whole
from huskies.backbone import openvino_setup
from huskies.exports import ask, openvino_file, saved_model

pytestmark = USES_KERAS


def test_numbers_stay_as_they_are_and_the_description_can_be_read(tmp_path):
    openvino = openvino_setup.load_openvino()
    # Half precision has no such number.
    factor = np.float32(1.0001)
    given = openvino.opset15.parameter([1, 2], openvino.Type.f32)
    product = openvino.opset15.multiply(given, openvino.opset15.constant(factor))
    openvino_file.save(openvino.Model([product], [given], "a"), DESCRIPTION, tmp_path / "a.xml")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.bin", "a.xml"]
    read = openvino_setup.core().read_model(tmp_path / "a.xml")
    assert described(read.get_rt_info("two_huskies").astype(str))
    compiled = openvino_setup.core().compile_model(read, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    assert (compiled([np.float32([[1, 2]])])[0] == np.float32([[1, 2]]) * factor).all()


@pytest.mark.parametrize("method", METHODS)
def test_it_says_what_the_classifier_says(tmp_path, method):
    saved_model.save(whole(method), DESCRIPTION, tmp_path / "saved")
    openvino_file.convert(tmp_path / "saved", DESCRIPTION, tmp_path / "a.xml")
    answer = ask.openvino(str(tmp_path / "a.xml"))
    for number, (sure, distance) in enumerate(zip(*expected(method), strict=True)):
        found = answer(PIXELS[number : number + 1])
        assert found["probabilities"][0] == pytest.approx(sure, abs=1e-5)
        assert found["distance"][0] == pytest.approx(distance, abs=1e-5)
