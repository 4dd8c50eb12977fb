"""The article's rows: the same flow with the parameter files of workflow/article/.

A row changes parameters and nothing else. What two rows have in common is made once: a flow shares the stages above
its change with the flow that it was derived from.
"""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from huskies.article import backbone_files, random_policies
from huskies.controls.flows import gathered, leaky
from huskies.errors import HuskyError
from huskies.planning import params, plan, stage_list
from huskies.planning.flow import Flow, report

FOLDER = Path("workflow/article")
ROOT = "data/article_rows"

# What a flow shares with one that has another split, another backbone, another head, another policy.
BEFORE_SPLIT = ("convert", "group")
BEFORE_BACKBONE = (*BEFORE_SPLIT, "split", "augment")
BEFORE_TRAINING = (*BEFORE_BACKBONE, "bottlenecks_original", "bottlenecks_augmented", "bottlenecks_test")
BESIDE_AUGMENT = (*BEFORE_SPLIT, "split", "bottlenecks_original", "bottlenecks_test", "train_baseline")


def make(main: Flow, noise: Flow, overrides: dict[str, Any], may_fetch: bool) -> dict[str, Flow]:
    """Return the flows of all rows, and of the stages that gather them, by their place below ROOT; `article` is last.

    main, noise: the user's flow and that of the control. overrides: those of --config. may_fetch: whether weights of
    Keras' may be downloaded. Where the flowers are missing, this is said on stderr, and the other rows are returned.
    """
    flows = {"label_safety": label_safety(overrides), "polynomials": gathered("polynomials", main.params, {}, ROOT)}
    if said := missing_flowers(main.params):
        report(HuskyError(said))
    else:
        backbones = backbone_files.settle(may_fetch)
        flows |= on_flowers(overrides, backbones)
        flows |= {
            "distorted": distorted(flows[f"flowers/{backbones[0]}/1"]),
            "old_bottlenecks": old_bottlenecks(flows, backbones[0]),
            "tuning": tuning(flows),
        }
    return {**flows, "article": gathered("article", main.params, shown(noise, flows), "data")}


def missing_flowers(values: dict[str, Any]) -> str:
    """Return what is wrong where the flowers are not there, and how to get them; else ""."""
    place = values["article"]["flowers"]
    if Path(place).exists():
        return ""
    return (
        f"there is no {place}, so that the article's rows on the flowers are left out. Get them from Kaggle: "
        "kaggle datasets download --path data olgabelitskaya/flower-color-images. Or set article.flowers in "
        "params.yaml to where they are: the zip, or the folder that holds flower_labels.csv."
    )


def row(name: str) -> dict[str, Any]:
    """Return what a parameter file of workflow/article/ has otherwise than what it lies over."""
    return YAML(typ="safe").load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))


def label_safety(overrides: dict[str, Any]) -> Flow:
    """Return the flow on the sample whose stage label_safety judges the article's examples."""
    return _planned(params.load(overrides=overrides, own=row("label_safety")), f"{ROOT}/label_safety")


def on_flowers(overrides: dict[str, Any], backbones: Sequence[str]) -> dict[str, Flow]:
    """Return the flows on the flowers, by their place below ROOT, as flowers/MobileNetV2/1.

    overrides: those of --config, which have the last word. backbones: names of files in workflow/article/backbones/.
    """
    own = {**row("flowers"), "backbone": backbone_files.read(backbones[0])}
    values = params.load(overrides=overrides, own=own)
    # The rows are named after their backbones: of --config, engine and precision alone apply to them.
    values["backbone"] |= backbone_files.read(backbones[0])
    values["raw"] = values["article"]["flowers"]
    splits = range(1, values["article"]["seeds"] + 1)
    first = _planned(values, f"{ROOT}/flowers/{backbones[0]}/1")
    honest = _over_splits_and_backbones(first, "flowers", splits, backbones)
    leaked = leaky(first, f"{ROOT}/leaky/{backbones[0]}/1")
    descent = {
        name.replace("flowers", "gradient_descent"): derived(
            each, row("gradient_descent"), BEFORE_TRAINING, name.replace("flowers", "gradient_descent")
        )
        for name, each in honest.items()
    }
    return {
        **honest,
        **descent,
        **_over_splits_and_backbones(leaked, "leaky", splits, backbones),
        "new_policy": derived(first, row("old_bottlenecks"), BESIDE_AUGMENT, "new_policy"),
        **_tuning(honest[f"flowers/{backbones[-1]}/1"]),
    }


def _over_splits_and_backbones(
    first: Flow, name: str, splits: Collection[int], backbones: Sequence[str]
) -> dict[str, Flow]:
    """Return the flow on each split and backbone; `first` is that on the first of both."""
    flows = {}
    for number in splits:
        place = f"{name}/{backbones[0]}/{number}"
        seed = first.params["split"]["seed"] + number - 1
        flows[place] = one = first if number == 1 else derived(first, {"split": {"seed": seed}}, BEFORE_SPLIT, place)
        for backbone in backbones[1:]:
            place = f"{name}/{backbone}/{number}"
            flows[place] = derived(one, {"backbone": backbone_files.read(backbone)}, BEFORE_BACKBONE, place)
    return flows


def _tuning(other: Flow) -> dict[str, Flow]:
    policies = [random_policies.draw(number) for number in range(1, other.params["article"]["policies"] + 1)]
    own = {**row("tuning"), "aug": {"policy": policies[0]}}
    flows = {"policies/1": derived(other, own, BEFORE_SPLIT, "policies/1")}
    for number, policy in enumerate(policies[1:], 2):
        place = f"policies/{number}"
        flows[place] = derived(flows["policies/1"], {"aug": {"policy": policy}}, BESIDE_AUGMENT, place)
    return flows


def derived(other: Flow, changes: dict[str, Any], shared: Collection[str], place: str) -> Flow:
    """Return the flow at `place` below ROOT with these changes, and the stages `shared`, unchanged, of another.

    What makes the raw images of the other flow, where a stage does, is shared in any case.
    """
    values = params.merge(other.params, changes)
    params.validate(values, params.SCHEMA)
    makers = [stage for stage in other.plans if stage not in stage_list.stages()]
    given = {stage: other.plans[stage] for stage in (*makers, *shared)}
    return _planned(values, f"{ROOT}/{place}", given, {stage: other.root_of(stage) for stage in given})


def _planned(
    values: dict[str, Any], root: str, given: dict[str, Any] | None = None, shared: Mapping[str, str] | None = None
) -> Flow:
    plans = plan.all_plans(values, given=given)
    plan.publish(plans)
    return Flow(values, plans, root, shared or {})


def distorted(other: Flow) -> Flow:
    """Return the flow whose stage trains on the fly, with the four distortions of retrain.py, on another's photos."""
    shared = [stage for stage in other.plans if stage != "distorted"]
    return derived(other, row("distort"), shared, "distorted")


def old_bottlenecks(flows: dict[str, Flow], backbone: str) -> Flow:
    """Return the flow of the stage of trap 1: before and after a change of the policy, and of the split."""
    read = ("split", "augment", "bottlenecks_original", "bottlenecks_augmented", "metrics")
    before = flows[f"flowers/{backbone}/1"]
    states = {"before": before, "policy": flows["new_policy"], "seed": flows[f"flowers/{backbone}/2"]}
    sources = {f"{name}/{stage}": (each, stage) for name, each in states.items() for stage in read}
    return gathered("old_bottlenecks", before.params, sources, ROOT)


def tuning(flows: dict[str, Flow]) -> Flow:
    """Return the flow of the stage of trap 2: the heads of all policies, each behind its gate, and the test images."""
    tried = [each for name, each in flows.items() if name.startswith("policies/")]
    sources = {stage: (tried[0], stage) for stage in ("split", "bottlenecks_test")}
    for number, each in enumerate(tried, 1):
        sources |= {f"{stage}_{number}": (each, stage) for stage in ("train_augmented", "leaks")}
    return gathered("tuning", tried[0].params, sources, ROOT)


def shown(noise: Flow, flows: dict[str, Flow]) -> dict[str, tuple[Flow, str]]:
    """Return the sources of the stage `article`, (flow, stage), by the name under which it finds the folder."""
    heads = ("metrics", "train_baseline", "train_augmented")
    sources = {f"noise/{stage}": (noise, stage) for stage in heads}
    for name, each in flows.items():
        if name.startswith(("flowers/", "gradient_descent/")):
            sources |= {f"{name}/{stage}": (each, stage) for stage in heads}
        elif name.startswith("leaky/"):
            sources[f"{name}/metrics"] = each, "metrics"
        elif name in each.plans:
            sources[name] = each, name
    return sources
