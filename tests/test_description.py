"""description: what an exported file says of itself names what goes in, what comes out, and what it is worth."""

import json

from exported import model
from huskies.exports import description

OF_A_FILE = {"preprocessing": {"resize": "crop", "shorter_side": 40, "interpolation": "bilinear", "scale": 1.0}}


def test_it_says_what_goes_in_and_what_comes_out():
    assert description.of(model("neighbours"), 8) == {
        "format": 1,
        "labels": ["ash", "öak", "elm"],
        "pixels": {
            "shape": ["photos", 8, 8, 3],
            "type": "float32",
            "values": "0 to 255, RGB",
            "resize": "squash",
            "shorter_side": None,
            "interpolation": "bicubic",
        },
        "probabilities": "float32, photos × labels: how likely each label is, calibrated",
        "distance": "float32, photos, by neighbours: beyond the threshold, a photo is none of these",
        "threshold": 0.25,
        "accept": 0.95,
        "expected": "Of new photos, most are told rightly.",
        "provenance": {"code": "0"},
    }


def test_a_square_of_ones_own_is_described():
    found = description.of(model("energy", **OF_A_FILE), 32)["pixels"]
    assert (found["resize"], found["shorter_side"], found["interpolation"]) == ("crop", 40, "bilinear")


def test_as_text_it_keeps_its_letters():
    text = description.text(description.of(model("energy"), 8))
    assert "öak" in text
    assert json.loads(text)["labels"] == ["ash", "öak", "elm"]
