"""What all rules share: the parameters, the plans, and where each stage's receipt lies.

Reads params.yaml with what --config puts over it, dvc.yaml, the code and the raw images; writes the plans to
.snakemake/plans/. Rules are joined by receipts alone. A receipt's name says all that the stage depends on, so
times say nothing, and inputs are ancient(). A module is given its flow ready-made.
"""

import os
import sys

sys.path.insert(0, os.path.abspath("workflow"))

from huskies import stage_folder
from huskies.planning import record, targets
from huskies.planning.flow import (
    add_page,
    asked_for,
    let_sigterm_end_snakemake,
    or_exit,
    prepare,
    receipt_path,
    when_nothing_to_be_done,
)
from huskies.planning.quiet import leave_out_talk

flow = config["flow"] if "flow" in config else or_exit(prepare, config)


def receipt(stage):
    """Return the path of the receipt that the stage is to have."""
    return flow.receipt(stage)


def made(stage):
    """Return the receipt of a stage that a rule reads. Times say nothing of it."""
    return ancient(flow.receipt(stage))


def made_raw():
    """Return the receipt of the control that made the raw images, where one did."""
    return [ancient(path) for path in flow.upstream("convert")]


def log_of(stage):
    """Return the path of the stage's log."""
    return flow.log(stage)
