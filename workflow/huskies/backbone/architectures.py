"""The architectures of keras.applications and their weights, without importing Keras (which takes seconds)."""

import ast
import importlib.util
from functools import cache
from pathlib import Path

from huskies.errors import HuskyError


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


def weights_file(weights: str) -> Path | None:
    """Return the file of backbone.weights, or None for `imagenet`, which is Keras' to find.

    Raises HuskyError where there is no such file.
    """
    if weights == "imagenet":
        return None
    path = Path("backbones", weights)
    if not path.is_file():
        raise HuskyError(f"backbone.weights: there is no file {path}. Put it there, or choose another in params.yaml.")
    return path
