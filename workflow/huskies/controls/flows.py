"""The same flow on other data and other splits: noise, the leak, the repeats. Each is a module of the Snakefile.

A control changes parameters and nothing else; every stage's code is the one that makes the user's own numbers.
"""

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from huskies.planning import params, plan
from huskies.planning.flow import Flow
from huskies.receipt import plan_hash

NOISE = Path("workflow/controls/noise.yaml")


def noise(overrides: dict[str, Any]) -> Flow:
    """Return the flow on images of noise: params.yaml, noise.yaml over it, and overrides of --config over both."""
    own = YAML(typ="safe").load(NOISE.read_text(encoding="utf-8"))
    values = params.load(overrides=overrides, own=own)
    return _on_made_images(plan.control("noise_images", values, {}), values, "data/noise")


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
    maker = plan.control("augmented_first", honest.params, {"split": plan_hash(honest.plans["split"])})
    return _on_made_images(maker, {**honest.params, **changed}, root)


def repeats(main: Flow) -> list[Flow]:
    """Return the flow for each repeat: other validation images, never the main flow's test images."""
    shared = {stage: main.plans[stage] for stage in ("convert", "group")}
    flows = []
    for number in range(1, main.params["repeats"]["seeds"] + 1):
        values = {**main.params, "split": {**main.params["split"], "repeat": number}}
        plans = plan.all_plans(values, given=shared)
        plan.publish(plans)
        flows.append(Flow(values, plans, f"data/repeats/{number}", dict.fromkeys(shared, main.root)))
    return flows


def summary(name: str, flows: dict[str, Flow], values: dict[str, Any]) -> dict[str, Any]:
    """Return the published plan of the control that puts the metrics of several flows side by side, by their names."""
    made = plan.control(name, values, {key: plan_hash(flow.plans["metrics"]) for key, flow in flows.items()})
    plan.publish({name: made})
    return made


def _on_made_images(maker: dict[str, Any], values: dict[str, Any], root: str) -> Flow:
    values = {**values, "raw": f"{root}/{maker['stage']}/images"}
    plans = plan.all_plans(values, given={maker["stage"]: maker})
    plan.publish(plans)
    return Flow(values, plans, root)
