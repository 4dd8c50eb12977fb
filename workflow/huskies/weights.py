"""Weights of a network: read from a file into a Keras model, or what to do where Keras cannot download them."""

import os
import re
from pathlib import Path

from huskies.errors import HuskyError


def load(model, path: Path, name: str) -> None:
    """Read a file into a Keras model of the architecture `name`. Raises HuskyError for weights that do not fit it."""
    try:
        model.load_weights(path)
    # Keras and h5py raise many kinds of error for a file of another network, another format, or none.
    except Exception as error:
        reason = str(error).strip().splitlines()[0][:200]
        raise HuskyError(
            f"backbone.weights: {path} does not fit {name} as params.yaml describes it: {reason}. "
            "Choose the weights, name, arguments and layer that belong together."
        ) from None


def not_downloaded(name: str, error: Exception) -> str:
    """Return how to mend that Keras raised this error on the way to the ImageNet weights of the architecture."""
    url = re.search(r"https?://\S+/([\w.\-]+\.h5)", str(error))
    home = os.environ.get("KERAS_HOME", "~/.keras")
    file = f"{home}/models/{url.group(1)}" if url else f"its file in {home}/models"
    return (
        f"backbone.weights: the ImageNet weights of {name} could not be downloaded. Put them into {file} by hand, "
        "or set backbone.weights to a file in backbones/."
    )
