"""What all rules share: the parameters, the plans, and where each stage's receipt lies.

Reads params.yaml with what --config puts over it, dvc.yaml, the code and the raw images; writes the plans to
.snakemake/plans/. Rules are joined by receipts alone. A receipt's name says all that the stage depends on, so
times say nothing, and inputs are ancient().
"""

import os
import sys

sys.path.insert(0, os.path.abspath("workflow"))

from huskies import prepare, record

overridden = bool(config)
plans = prepare.plans_or_exit(config)


def receipt(stage):
    """Return the path of the receipt that the stage is to have."""
    return prepare.receipt_path(plans[stage])


def upstream(stage):
    """Return the receipts of the stages above, in the order of dvc.yaml."""
    return [ancient(receipt(above)) for above in plans[stage]["inputs"]]
