"""The flows of the settings in experiments.csv, which share whatever comes of equal plans.

Each is the user's own flow, stage by stage, so that its plans are those of a run with these parameters. A stage lies in
data/ where the present parameters call for the same, and else in a folder named by the hash of its plan: so settings
share it whichever they are, and other rows in the table, or another order, cost nothing that was there.
"""

from typing import Any

from huskies.controls.flows import gathered
from huskies.errors import HuskyError
from huskies.experiments import setting_params, setting_table
from huskies.experiments.setting_table import Setting
from huskies.planning import params, plain_yaml, plan
from huskies.planning.flow import Flow

ROOT = "data/experiment_stages"
# What the stage that compares settings waits for. It reads nothing of the page; but a run that DVC is to keep has one.
READ = ("metrics", "cross_validation", "report")


def make(main: Flow, overrides: dict[str, Any]) -> list[Flow]:
    """Return the flow of each setting, and that of the stage that puts them side by side; raise as `flows` does."""
    found = flows(main, overrides)
    read = {f"{each.name}/{stage}": (flow, stage) for each, flow in found for stage in READ}
    return [*(flow for _, flow in found), gathered("experiments", main.params, read, "data")]


def flows(main: Flow, overrides: dict[str, Any]) -> list[tuple[Setting, Flow]]:
    """Return each setting and its flow, plans published. main: the flow of params.yaml with overrides, of --config.

    Raises HuskyError, with the line, for a bad table, a parameter or value that is refused, and two settings of which
    the same numbers would come.
    """
    before = params.merge(params.read(), plain_yaml.plain(overrides, "--config"))
    found: list[tuple[Setting, Flow]] = []
    for setting in setting_table.read():
        flow = _flow(setting, before, main)
        for other, known in found:
            if known.hashes["metrics"] == flow.hashes["metrics"]:
                raise HuskyError(
                    f"{setting.place}: '{setting.name}' makes the same as '{other.name}' in line {other.line}. "
                    "Delete one, or change what it sets: an empty cell is what params.yaml has."
                )
        found.append((setting, flow))
    return found


def _flow(setting: Setting, before: dict[str, Any], main: Flow) -> Flow:
    values = setting_params.parameters(setting, before)
    try:
        every = plan.all_plans(values, raw=main.plans["convert"]["raw"])
        plans = {stage: every[stage] for stage in plan.lineage("report", every)}
        plan.publish(plans)
    except HuskyError as error:
        raise HuskyError(f"{setting.place}: {str(error).removeprefix(f'{params.FILE}: ')}") from None
    flow = Flow(values, plans)
    apart = {stage: digest for stage, digest in flow.hashes.items() if digest != main.hashes[stage]}
    return Flow(values, plans, shared={stage: f"{ROOT}/{digest}" for stage, digest in apart.items()})
