"""`backbone.preprocessing`: how a photo becomes the input of a backbone, by params.yaml, a preset, or by default.

A network of keras.applications brings its own arithmetic, and may be given another square. A network in a file brings
nothing, so all of it is said. The Snakefile reads this at every start, so that no pixels and arrays are imported.
"""

from typing import Any

from huskies.backbone import architectures
from huskies.errors import HuskyError

# What a network in a file gets where neither params.yaml nor its preset says otherwise. `scale` has no such value:
# pixels of 0 to 255 where a network wants 0 to 1 make features that are finite and worthless.
DEFAULTS = {
    "side": None,
    "resize": "squash",
    "shorter_side": None,
    "interpolation": "bicubic",
    "channels": "rgb",
    "layout": None,
    "mean": [0.0, 0.0, 0.0],
    "std": [1.0, 1.0, 1.0],
}
# What a network of keras.applications may be given.
OF_THE_SQUARE = ("resize", "shorter_side", "interpolation")


def pixels_seen(backbone: dict[str, Any]) -> int | None:
    """Return how many pixels a side the backbone makes use of; None where only its file says so.

    backbone: the section of params.yaml.
    """
    chosen = backbone.get("preprocessing") or {}
    if chosen.get("resize") == "crop" and chosen.get("shorter_side"):
        return chosen["shorter_side"]
    own = None if architectures.is_network(backbone["weights"]) else architectures.own_side(backbone["name"])
    return chosen.get("side") or backbone["input_size"] or own


def resolved(backbone: dict[str, Any], preset: dict[str, Any]) -> dict[str, Any]:
    """Return the section `backbone` with all that a network in a file needs: its own, else its preset's, else DEFAULTS.

    preset: the preset of that name, or an empty dictionary. Raises HuskyError for what is missing, and for what
    belongs to a network of keras.applications.
    """
    weights = backbone["weights"]
    own = {key: value for key, value in (backbone.get("preprocessing") or {}).items() if value is not None}
    _check_side(weights, own.get("side"), backbone["input_size"])
    if backbone["input_size"]:
        own["side"] = backbone["input_size"]
    found = DEFAULTS | preset.get("preprocessing", {}) | own
    if "scale" not in found:
        raise HuskyError(
            f"backbone.preprocessing: nothing says how {weights} wants its pixels. Set scale (1.0 for 0 to 255, "
            "0.00392156862745098 for 0 to 1), mean and std in params.yaml, or set backbone.name to a preset of "
            "backbones/presets.yaml."
        )
    for key in ("mean", "std"):
        found[key] = [float(each) for each in found[key]]
    found["scale"] = float(found["scale"])
    return {
        **backbone,
        "preprocessing": found,
        "output": backbone.get("output") or preset.get("output"),
        "pooling": backbone.get("pooling") or preset.get("pooling"),
    }


def _check_side(weights: str, side: int | None, input_size: int | None) -> None:
    if side and input_size and side != input_size:
        raise HuskyError(
            f"backbone.input_size is {input_size}, and backbone.preprocessing.side is {side}, of {weights}. Set one of "
            "them in params.yaml, and leave the other empty."
        )
