"""`encoders.candidates`: backbones to compare with the present one, and what each is called."""

from typing import Any

from huskies.backbone import presets

# What a candidate with a network of its own begins with. The engine and the precision are those of the present one.
_OF_ANOTHER = {
    "name": None,
    "arguments": {},
    "weights": "imagenet",
    "layer": "auto",
    "input_size": None,
    "preprocessing": None,
    "output": None,
    "pooling": None,
}
_LICENCES = {"mini.weights.h5": "research, as Tiny ImageNet", "imagenet": "Keras' weights: see Keras"}


def complete(backbone: dict[str, Any], candidates: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the section `backbone` of each candidate.

    backbone: the section of params.yaml, not settled. A candidate that names another network (`name` or `weights`)
    begins anew, with ImageNet weights and every second block; any other has what it leaves out from the section.
    """
    return [{**backbone, **(_OF_ANOTHER if {"name", "weights"} & each.keys() else {}), **each} for each in candidates]


def named(sections: list[dict[str, Any]]) -> list[str]:
    """Return a name for each section `backbone`, all different: its network, and what tells it from its like."""
    found: list[str] = []
    for section in sections:
        name = _name(section)
        again = sum(each == name or each.startswith(f"{name} (") for each in found)
        found.append(f"{name} ({again + 1})" if again else name)
    return found


def _name(section: dict[str, Any]) -> str:
    weights, layer = section["weights"], section["layer"]
    network = section["name"] or weights
    of = [f"{key} {value}" for key, value in section["arguments"].items()]
    of += [weights] if weights not in ("imagenet", network) else []
    of += [str(section["input_size"])] if section["input_size"] else []
    layers = {"auto": "several layers", None: "last layer"}
    of.append(layers[layer] if layer in (None, "auto") else "+".join([layer] if isinstance(layer, str) else layer))
    return f"{network}, {', '.join(of)}"


def licence(section: dict[str, Any]) -> str:
    """Return under what licence the weights of a section `backbone` are, as far as the project knows."""
    preset = presets.read().get(section["name"], {})
    return preset.get("licence") or _LICENCES.get(section["weights"], "not known")
