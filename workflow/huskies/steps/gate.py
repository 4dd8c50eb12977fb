"""gate: whether the classifier to hand over is as good as it has to be, only on request, for CI.

What counts is the lower end of the out-of-fold interval, not the point: good luck is no accuracy.
"""

import json
from typing import Any

from huskies import outputs
from huskies.errors import HuskyError, some
from huskies.job import Job
from huskies.statistics import verdicts

NOTHING = "there is nothing to hold, for gate.accuracy and gate.per_class are 0. Set either in params.yaml."


def shortfalls(numbers: dict[str, Any], wanted: dict[str, float]) -> list[str]:
    """Return a phrase for each number of final.json whose lower end is below what the section `gate` asks for."""
    found = [("accuracy", "the accuracy", numbers["out_of_fold"], "accuracy")]
    found += [("per_class", f"the recall of '{each['label']}'", each, "recall") for each in numbers["per_class"]]
    return [
        f"{what} is {each[key]:.1%}, and may be as low as {each['low']:.1%}, "
        f"{verdicts.in_points(wanted[asked] - each['low'])} points short of gate.{asked}: {wanted[asked]:.1%}"
        for asked, what, each, key in found
        if each["low"] < wanted[asked]
    ]


def run(job: Job) -> str:
    """Fill job.output with gate.json, what was asked for and what was found; return a line on it.

    Raises HuskyError, with the shortfall, where the lower end of an interval is below what is asked for, unless
    gate.action is warn, and where the numbers are false.
    """
    wanted, numbers = job.params["gate"], json.loads((job.inputs["final"] / outputs.FINAL).read_text())
    holds = bool(wanted["accuracy"] or wanted["per_class"])
    if holds and numbers["leaks"]:
        raise HuskyError(f"the gate holds nothing by false numbers. {verdicts.warning(numbers)}")
    short = shortfalls(numbers, wanted)
    failed = (
        f"the {numbers['head']} head does not pass the gate: {some(short)}. These are out-of-fold intervals, which "
        "more photos narrow (snakemake --cores all budget)."
    )
    if short and wanted["action"] == "fail":
        raise HuskyError(failed)
    found = {"gate": wanted, "holds": holds, "shortfalls": short}
    found |= {key: numbers[key] for key in ("out_of_fold", "per_class")}
    (job.output / outputs.GATE).write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    if short:
        return f"WARNING: {failed}"
    if not holds:
        return NOTHING
    accuracy = numbers["out_of_fold"]
    return f"passed: {accuracy['accuracy']:.1%} out of fold, at least {accuracy['low']:.1%}"
