"""backbones/presets.yaml: how the networks that people use want their pixels, and which of their outputs to take.

A preset holds no network: its file is yours to put into backbones/. What params.yaml says goes before the preset.
"""

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from huskies import digests
from huskies.backbone import architectures, keras_hub_preset, preprocessing
from huskies.errors import HuskyError, nearest

PATH = Path("backbones", "presets.yaml")


def read() -> dict[str, dict[str, Any]]:
    """Return every preset by name. Raises HuskyError where the file is missing or no YAML."""
    try:
        return YAML(typ="safe").load(PATH.read_text(encoding="utf-8")) or {}
    except Exception as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise HuskyError(f"cannot read {PATH}: {reason}. Restore it: git checkout {PATH}") from None


def settle(backbone: dict[str, Any]) -> dict[str, Any]:
    """Return the section `backbone` of params.yaml with what a preset and the defaults add to a network in a file.

    A network of keras.applications stays as it is. Raises HuskyError for a name that is neither an architecture nor a
    preset, for keys that do not belong to such a network, and for a file that is not the preset's.
    """
    name = backbone["name"]
    if not architectures.is_network(backbone["weights"]):
        _check_architecture(backbone)
        return backbone
    known, folder = read(), Path("backbones", backbone["weights"])
    of_keras_hub = keras_hub_preset.is_preset(folder)
    if (name or "").startswith(keras_hub_preset.PREFIX):
        if not of_keras_hub:
            raise keras_hub_preset.missing(name)
        known = {**known, name: {}}
    if name is not None and name not in known:
        raise HuskyError(
            f"params.yaml: backbone.name: {backbone['weights']} holds a whole network. Leave backbone.name empty, or "
            f"set it to a preset of {PATH}: {', '.join(known)}."
        )
    _check_keys(backbone)
    preset = known.get(name, {})
    _check_digest(backbone["weights"], name, preset.get("sha256"))
    if of_keras_hub:
        own = keras_hub_preset.preprocessing(folder)
        preset = {**preset, "preprocessing": own | preset.get("preprocessing", {})}
    return preprocessing.resolved(backbone, preset)


def _check_architecture(backbone: dict[str, Any]) -> None:
    name, known = backbone["name"], architectures.modules()
    if (name or "").startswith(keras_hub_preset.PREFIX):
        raise keras_hub_preset.missing(name)
    if name not in known:
        if name in (presets := read()):
            raise HuskyError(
                f"params.yaml: backbone.name: the preset {name} needs its network. Get it as {PATH} says "
                f"({presets[name]['source']}), put it into backbones/, and set backbone.weights to its name."
            )
        if name is None:
            raise HuskyError(
                "params.yaml: backbone.name is empty, as for a network in a file (.onnx, .xml, or a folder in "
                f"backbones/), and backbone.weights is {backbone['weights']}. Set either."
            )
        raise HuskyError(f"params.yaml: backbone.name: there is no architecture '{name[:200]}'.{nearest(name, known)}")
    for key in ("output", "pooling"):
        if backbone.get(key):
            raise HuskyError(
                f"params.yaml: backbone.{key} is for a network in a file, and {name} is one of keras.applications. "
                "Leave it empty."
            )
    given = backbone.get("preprocessing") or {}
    if other := [key for key, value in given.items() if value is not None and key not in preprocessing.OF_THE_SQUARE]:
        raise HuskyError(
            f"params.yaml: backbone.preprocessing.{other[0]} is for a network in a file, and {name} of "
            f"keras.applications has its own. Take it out; {', '.join(preprocessing.OF_THE_SQUARE)} may be set."
        )


def _check_keys(backbone: dict[str, Any]) -> None:
    if backbone["arguments"]:
        raise HuskyError(
            f"params.yaml: backbone.arguments are for an architecture, and {backbone['weights']} holds a whole "
            "network. Set it to {}."
        )
    if backbone["layer"] not in ("auto", "", None):
        raise HuskyError(
            f"params.yaml: backbone.layer: {backbone['weights']} is a network in a file. Set layer to auto or leave it "
            "empty, and name a tensor in backbone.output."
        )
    if backbone["engine"] == "tensorflow":
        raise HuskyError(
            f"params.yaml: backbone.engine: {backbone['weights']} is a network in a file, which OpenVINO computes. Set "
            "it to auto."
        )


def _check_digest(weights: str, name: str | None, expected: str | None) -> None:
    path = Path("backbones", weights)
    if expected and path.is_file() and digests.file_digest(path) != expected:
        raise HuskyError(
            f"backbone.weights: {path} is not the file of the preset {name}. Get it again, or leave backbone.name "
            "empty and set backbone.preprocessing, backbone.output and backbone.pooling for your file."
        )
