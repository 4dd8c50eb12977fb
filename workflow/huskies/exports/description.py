"""What every exported file says of itself: what it takes, what it gives, and what that is worth."""

import json
from typing import Any

from huskies.backbone.preprocessing import DEFAULTS
from huskies.model.folder import Model

NAME = "two_huskies.json"


def of(model: Model, side: int) -> dict[str, Any]:
    """Return the description of a classifier whose input is side × side pixels: labels, input, outputs, numbers."""
    refusal, chosen = model.numbers["none_of_these"], DEFAULTS | (model.backbone.get("preprocessing") or {})
    method = refusal["method"]
    return {
        "format": 1,
        "labels": model.labels,
        "pixels": {
            "shape": ["photos", side, side, 3],
            "type": "float32",
            "values": "0 to 255, RGB",
            "resize": chosen["resize"],
            "shorter_side": chosen["shorter_side"],
            "interpolation": chosen["interpolation"],
        },
        "probabilities": "float32, photos × labels: how likely each label is, calibrated",
        "distance": f"float32, photos, by {method}: beyond the threshold, a photo is none of these",
        "threshold": refusal["methods"][method]["threshold"],
        "accept": refusal["accept"],
        "expected": model.numbers["sentence"],
        "provenance": model.numbers["provenance"],
    }


def text(description: dict[str, Any]) -> str:
    """Return a description as JSON."""
    return json.dumps(description, indent=1, ensure_ascii=False) + "\n"
