"""The same flow on other data: noise, and the leak.

A control changes parameters and nothing else; every stage's code is the one that makes the user's own numbers.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from huskies.planning import params, plan
from huskies.planning.flow import Flow

FILE = Path("workflow/controls/noise.yaml")
NOISE, LEAKAGE = "data/noise", "data/leakage"


def noise(overrides: dict[str, Any]) -> Flow:
    """Return the flow on images of noise: params.yaml, noise.yaml over it, and overrides of --config over both."""
    own = YAML(typ="safe").load(FILE.read_text(encoding="utf-8"))
    values = params.load(overrides=overrides, own=own)
    return _on_made_images(plan.control("noise_images", values, {}), values, NOISE)


def leaky(honest: Flow, root: str) -> Flow:
    """Return the flow below `root` that a user gets who augments first and splits afterwards, with every gate open.

    It uses the training and validation images of the honest flow, and holds out the same fraction of them; the
    honest flow's test images are left alone.
    """
    held_out = honest.params["split"]
    changed = {
        "group": {"near_duplicates": False},
        "split": {
            **held_out,
            "validation": held_out["validation"] / (1 - held_out["test"]),
            "test": 0.0,
            "train_per_class": 0,
        },
        "aug": {**honest.params["aug"], "factor": 0},
        "leaks": {"action": "warn"},
    }
    maker = plan.control("augmented_first", honest.params, {"split": honest.hashes["split"]})
    return _on_made_images(maker, {**honest.params, **changed}, root, [honest.receipt("split")])


def leakage(main: Flow, on_noise: Flow) -> list[Flow]:
    """Return the leaky flows on the user's data and on noise, and that of the stage that compares them."""
    leaks = {"leaky": leaky(main, f"{LEAKAGE}/data"), "noise_leaky": leaky(on_noise, f"{LEAKAGE}/noise")}
    compared = {"honest": main, "leaky": leaks["leaky"], "noise_honest": on_noise, "noise_leaky": leaks["noise_leaky"]}
    return [*leaks.values(), summary("leakage", compared, main.params, LEAKAGE)]


def summary(name: str, flows: dict[str, Flow], values: dict[str, Any], root: str) -> Flow:
    """Return the flow of the one stage that puts the metrics of several flows, by their names, side by side."""
    return gathered(name, values, {key: (flow, "metrics") for key, flow in flows.items()}, root)


def gathered(name: str, values: dict[str, Any], sources: Mapping[str, tuple[Flow, str]], root: str) -> Flow:
    """Return the flow below `root` of one stage of workflow/stages.yaml, which reads stages of others.

    sources: (flow, stage), by the name under which its job finds the folder.
    """
    made = plan.control(name, values, {key: flow.hashes[stage] for key, (flow, stage) in sources.items()})
    plan.publish({name: made})
    return Flow(values, {name: made}, root, read={name: [flow.receipt(stage) for flow, stage in sources.values()]})


def _on_made_images(maker: dict[str, Any], values: dict[str, Any], root: str, reads: Sequence[str] = ()) -> Flow:
    values = {**values, "raw": f"{root}/{maker['stage']}/images"}
    plans = plan.all_plans(values, given={maker["stage"]: maker})
    plan.publish(plans)
    return Flow(values, plans, root, read={maker["stage"]: reads})
