"""format_agreement: shares and differences between what a file says and what the classifier says."""

import numpy as np
import pytest
from huskies.exports import format_agreement
from huskies.exports.format_agreement import Agreement

SURE = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.45, 0.55]])
DISTANCE = np.array([0.1, 0.2, 0.3, 0.4])


def said(sure=SURE, distance=DISTANCE, seconds: float = 1.5) -> dict:
    return {"probabilities": sure, "distance": distance, "seconds": seconds}


def test_the_same_answers_agree_and_the_first_photo_is_not_timed():
    assert format_agreement.compare(said(), (SURE, DISTANCE), 0.25) == Agreement(1.0, 1.0, 0.0, 2.0)


def test_another_label_and_another_side_of_the_threshold_count_one_photo_each():
    other = SURE.copy()
    other[3] = 0.55, 0.45
    found = format_agreement.compare(said(other, np.array([0.1, 0.26, 0.3, 0.4])), (SURE, DISTANCE), 0.25)
    assert (found.label, found.accepted) == (0.75, 0.75)
    assert found.difference == pytest.approx(0.1)


def test_a_file_that_cannot_be_asked_says_why(tmp_path):
    (tmp_path / "a.onnx").write_bytes(b"nothing")
    with pytest.raises(RuntimeError, match=r"(?s)a\.onnx cannot be asked:.*Protobuf"):
        format_agreement.asked("onnx", tmp_path / "a.onnx", np.zeros((1, 2, 2, 3), np.float32))
