"""What all rules share: the parameters, the plans, and where each stage's receipt lies.

Reads params.yaml with what --config puts over it, dvc.yaml, the code and the raw images; writes the plans to
.snakemake/plans/. Rules are joined by receipts alone. A receipt's name says all that the stage depends on, so
times say nothing, and inputs are ancient(). A module is given its flow ready-made.
"""

import os
import sys

sys.path.insert(0, os.path.abspath("workflow"))

from huskies import prepare, record, targets

flow = config["flow"] if "flow" in config else prepare.or_exit(prepare.prepare, config)


def receipt(stage):
    """Return the path of the receipt that the stage is to have."""
    return flow.receipt(stage)


def upstream(stage):
    """Return the receipts of the stages above, in the order of dvc.yaml."""
    return [ancient(path) for path in flow.upstream(stage)]


def log_of(stage):
    """Return the path of the stage's log."""
    return flow.log(stage)
