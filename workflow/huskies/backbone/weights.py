"""Weights of a network: read from a file into a Keras model, or what to do where Keras cannot download them."""

import os
import re
from pathlib import Path

from huskies import digests
from huskies.backbone import architectures
from huskies.errors import HuskyError

# Keras verifies what it downloads by its digest, but not these, by architecture: the sha256 of its files.
_UNVERIFIED = {
    "MobileNet": {
        "mobilenet_7_5_224_tf_no_top.h5": "30a3c426db6cbb7fc1e8bb9a3ddd9709e1a7fd3ad4d9d25584502e26fe56fa0c",
    },
    "MobileNetV2": {
        "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5": (
            "ef2cada805c9874e4376e502f560f94ac4ea0aba893219ac2b445b3354d6a4eb"
        ),
    },
}


def keras_folder() -> Path:
    """Return the folder in which Keras keeps what it downloads."""
    return Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras", "models")


def verify(name: str) -> None:
    """Raise HuskyError where a file that Keras downloaded for the architecture `name` is not what it ought to be."""
    for file, sha256 in _UNVERIFIED.get(name, {}).items():
        path = keras_folder() / file
        if path.is_file() and digests.file_digest(path) != sha256:
            raise HuskyError(
                f"backbone.weights: {path} is not what Keras offers: cut short, or another network's. Delete it, and "
                "run the same command again."
            )


def load(model, path: Path, name: str) -> None:
    """Read a file into a Keras model of the architecture `name`. Raises HuskyError for weights that do not fit it.

    Only weights are read: whatever layers the file describes, none is made, and no code of it runs.
    """
    if not path.name.endswith(architectures.WEIGHTS_ENDINGS):
        raise HuskyError(
            f"backbone.weights: {path} is no file of weights: their names end in "
            f"{', '.join(architectures.WEIGHTS_ENDINGS)}. Choose another."
        )
    try:
        model.load_weights(path)
    # Keras and h5py raise many kinds of error for a file of another network, another format, or none.
    except Exception as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
        raise HuskyError(
            f"backbone.weights: {path} does not fit {name} as params.yaml describes it: {reason}. "
            "Choose the weights, name, arguments and layer that belong together."
        ) from None


def not_downloaded(name: str, error: Exception) -> str:
    """Return how to fix that Keras raised this error on the way to the ImageNet weights of the architecture."""
    url = re.search(r"https?://\S+/([\w.\-]+\.h5)", str(error))
    home = os.environ.get("KERAS_HOME", "~/.keras")
    file = f"{home}/models/{url.group(1)}" if url else f"its file in {home}/models"
    return (
        f"backbone.weights: the ImageNet weights of {name} could not be downloaded. Put them into {file} by hand, "
        "or set backbone.weights to a file in backbones/."
    )
