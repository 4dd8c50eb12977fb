"""A classifier as `final` hands it over, of fourteen made-up images, with the receipt that a runner would give it."""

import dataclasses
import json
from pathlib import Path
from typing import Any

from everything_inputs import PARAMS, stage, write
from huskies import outputs, receipt
from huskies.job import Job
from huskies.steps import bottlenecks, cross_validation, final

SECTIONS = {
    "final": {"head": "auto", "with_test": False},
    "predict": {"accept": 0.95, "method": "neighbours"},
}


def inputs_of(folder: Path, params: dict[str, Any]) -> None:
    """Run the stages above final in a folder."""
    write(folder, params)
    bottlenecks.run(stage("bottlenecks_test", folder, params))
    cross_validation.run(stage("cross_validation", folder, params))


def final_of(folder: Path, params: dict[str, Any], name: str = "final") -> tuple[Job, str]:
    """Run final alone, on what is there, into a folder of that name; return its job and what it says."""
    job = stage(name, folder, params)
    above = {**job.inputs, **{each: folder / each for each in ("bottlenecks_test", "cross_validation")}}
    job = dataclasses.replace(job, stage="final", inputs=above)
    said = final.run(job)
    receipt.write(job.output, {"stage": "final"})
    return job, said


def made(folder: Path, **changed: dict[str, Any]) -> tuple[Job, str]:
    """Run the stages down to final; return its job and what it says. changed: sections of the parameters."""
    params = {**PARAMS, **SECTIONS, **changed}
    inputs_of(folder, params)
    return final_of(folder, params)


def edit(folder: Path, **changed: Any) -> None:
    """Change what final.json says, and let the receipt vouch for it."""
    path = folder / outputs.FINAL
    path.write_text(json.dumps({**json.loads(path.read_text()), **changed}))
    receipt.write(folder, {"stage": "final"})
