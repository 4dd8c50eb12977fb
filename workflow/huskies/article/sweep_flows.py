"""The flows of the sweep: every policy, with so many copies, of so many training images, on several splits.

They are the same workflow with other parameters. What does not depend on the policy is made once and shared.
"""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from ruamel.yaml import YAML

from huskies.article import backbone_files
from huskies.article.sweep_runs import NONE
from huskies.controls.flows import summary
from huskies.errors import HuskyError
from huskies.planning import params, plan
from huskies.planning.flow import Flow

FILE = Path("workflow/article/sweep.yaml")
ROOT = "data/sweep_flows"
MIXUP = "mixup"

# Of the first flow, by all others; of the flow without copies of the same training images, by those with copies, and
# by those with mixup.
_BY_ALL = ("convert", "group")
_BY_COPIES = ("split", "bottlenecks_original", "bottlenecks_test", "train_baseline")
_BY_MIXUP = ("split", "augment", "bottlenecks_original", "bottlenecks_augmented", "bottlenecks_test")


class Setting(NamedTuple):
    """A cell of the sweep on one split: the policy, copies, training images of each class, and split.repeat."""

    policy: str
    factor: int
    train_per_class: int
    split: int

    @property
    def key(self) -> str:
        """The setting as a path: common/5/15/1."""
        return "/".join(map(str, self))


def settings(described: dict[str, Any]) -> Iterator[Setting]:
    """Yield the settings that FILE describes, each after the one without copies that it shares stages with.

    Every number of copies is tried where there are the most training images, and `curve_factor` where there are fewer.
    """
    sizes = described["train_per_class"]
    for split, size in itertools.product(range(1, described["splits"] + 1), sizes):
        yield Setting(NONE, 0, size, split)
        yield Setting(MIXUP, 0, size, split)
        factors = described["factors"] if size == max(sizes) else [described["curve_factor"]]
        for policy, factor in itertools.product(described["policies"], factors):
            yield Setting(policy, factor, size, split)


def make(overrides: dict[str, Any]) -> list[Flow]:
    """Return the flows of all settings, and that of the stage that puts them side by side; raise as `flows` does."""
    swept = flows(overrides)
    first = next(iter(swept.values()))
    return [*swept.values(), summary("sweep", {each.key: flow for each, flow in swept.items()}, first.params, "data")]


def flows(overrides: dict[str, Any]) -> dict[Setting, Flow]:
    """Return the flow of each setting, its plans published; overrides are those of --config.

    Raises HuskyError where the photos are not there, and for a policy that albumentations refuses.
    """
    described = YAML(typ="safe").load(FILE.read_text(encoding="utf-8"))
    backbone = backbone_files.read(described["backbone"])
    there = backbone_files.weights(backbone).is_file()
    own = described["params"] | ({"backbone": backbone} if there else {})
    values = params.load(overrides=overrides, own=own)
    raw = values["article"]["flowers"]
    if not Path(raw).exists():
        raise HuskyError(
            f"there is no {raw}. Get the flower photos as docs/article.md says, or set article.flowers in params.yaml "
            "to photos of your own."
        )
    users = params.load(overrides=overrides)
    if Path(raw).resolve() == Path(users["raw"]).resolve():
        # The user's own photos: their test images choose nothing.
        values["split"] |= {key: users["split"][key] for key in ("validation", "test", "seed")}
    found: dict[Setting, Flow] = {}
    for setting in settings(described):
        try:
            found[setting] = _flow(setting, parameters(setting, described, {**values, "raw": raw}), found)
        except HuskyError as error:
            raise HuskyError(f"{FILE}: {setting.policy}: {error}") from None
    return found


def parameters(setting: Setting, described: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters of a setting: validated values of all settings, with its own over them."""
    policy = described["policies"].get(setting.policy, [])
    changed = {
        "split": {"repeat": setting.split, "train_per_class": setting.train_per_class},
        "train": {"mixup": float(described["mixup"]) if setting.policy == MIXUP else 0.0},
        "aug": {"factor": setting.factor, "policy": policy},
    }
    return {**values, **{section: {**values[section], **each} for section, each in changed.items()}}


def _flow(setting: Setting, values: dict[str, Any], others: dict[Setting, Flow]) -> Flow:
    """Return the flow of a setting, with its plans published; others: the flows before it."""
    makers = dict.fromkeys(_BY_ALL, next(iter(others.values()), None))
    if setting.policy != NONE:
        stages = _BY_MIXUP if setting.policy == MIXUP else _BY_COPIES
        makers |= dict.fromkeys(stages, others[Setting(NONE, 0, setting.train_per_class, setting.split)])
    makers = {stage: flow for stage, flow in makers.items() if flow}
    plans = plan.all_plans(values, given={stage: flow.plans[stage] for stage, flow in makers.items()})
    plan.publish({stage: plans[stage] for stage in plan.lineage("metrics", plans) if stage not in makers})
    return Flow(values, plans, f"{ROOT}/{setting.key}", {stage: flow.root for stage, flow in makers.items()})
