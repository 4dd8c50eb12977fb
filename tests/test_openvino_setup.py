"""openvino_setup: what OpenVINO says of a network, without what it says of itself."""

import pytest
from huskies.backbone import openvino_setup


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (
            "Exception from src/inference/src/cpp/core.cpp:84:\nCheck 'false' failed at src/a.cpp:151:\n"
            "FrontEnd API failed with OpConversionFailure:\nModel wasn't fully converted.\nSummary:\n"
            "-- No conversion rule found for operations: Erfc-15\n\n",
            "No conversion rule found for operations: Erfc-15",
        ),
        ("Exception from src/a.cpp:1:\nUnable to read the model.\n", "Unable to read the model"),
        ("", "RuntimeError"),
    ],
)
def test_the_reason_is_the_line_about_the_network(said, reason):
    assert openvino_setup.reason(RuntimeError(said)) == reason


def test_one_core_serves_all():
    assert openvino_setup.core() is openvino_setup.core()
