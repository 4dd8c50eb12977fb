"""The architectures of keras.applications and their weights, without importing Keras (which takes seconds)."""

import ast
import importlib.util
from functools import cache
from pathlib import Path

from huskies import digests
from huskies.errors import HuskyError

# Of files of weights: Keras also reads an index of files, whose own bytes say nothing of what those hold.
WEIGHTS_ENDINGS = (".h5", ".hdf5", ".keras")
# Of files that hold a whole network.
NETWORK_ENDINGS = (".onnx", ".xml")


@cache
def modules() -> dict[str, str]:
    """Return the module of each architecture: {"MobileNetV2": "mobilenet_v2", …}, read from Keras' own sources."""
    keras = Path(importlib.util.find_spec("keras").origin).parent
    tree = ast.parse((keras / "applications" / "__init__.py").read_text(encoding="utf-8"))
    return {
        name.asname or name.name: node.module.rsplit(".", 1)[-1]
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module.startswith("keras.src.applications.")
        for name in node.names
    }


# Sides of the square inputs that the authors' weights were trained on; those of all others are 224.
_SIDES = {
    "EfficientNetB1": 240, "EfficientNetB2": 260, "EfficientNetB3": 300, "EfficientNetB4": 380, "EfficientNetB5": 456,
    "EfficientNetB6": 528, "EfficientNetB7": 600, "EfficientNetV2B1": 240, "EfficientNetV2B2": 260,
    "EfficientNetV2B3": 300, "EfficientNetV2L": 480, "EfficientNetV2M": 480, "EfficientNetV2S": 384,
    "InceptionResNetV2": 299, "InceptionV3": 299, "NASNetLarge": 331, "Xception": 299,
}  # fmt: skip


def own_side(name: str) -> int:
    """Return the side of an architecture's own input in pixels."""
    return _SIDES.get(name, 224)


def is_network(weights: str) -> bool:
    """Return whether backbone.weights names a whole network: an ONNX or OpenVINO file, or a folder that holds one."""
    return weights.endswith(NETWORK_ENDINGS) or is_folder(Path("backbones", weights))


def is_folder(path: Path) -> bool:
    """Return whether a path below backbones/ is a folder that may hold a network: weights are in files."""
    return path.is_dir() and not path.name.endswith(WEIGHTS_ENDINGS)


def weights_file(weights: str) -> Path | None:
    """Return the file or folder of backbone.weights, or None for `imagenet`, which is Keras' to find.

    Raises HuskyError where there is no such file.
    """
    if weights == "imagenet":
        return None
    path = Path("backbones", weights)
    if not (path.is_file() or is_folder(path)):
        raise HuskyError(f"backbone.weights: there is no file {path}. Put it there, or choose another in params.yaml.")
    return path


def weights_digest(weights: str) -> str:
    """Return the sha256 of the file of backbone.weights, of all files of its folder, or `imagenet`.

    Raises HuskyError as `weights_file` does.
    """
    path = weights_file(weights)
    # Those of Keras are fixed by its version, which checks them.
    return digests.path_digest(path) if path else "imagenet"
