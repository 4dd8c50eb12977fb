"""Two Huskies: from raw images to honest metrics.

    raw → convert → group → split → augment → bottlenecks_augmented → train_augmented → leaks → metrics → report
    split → bottlenecks_original → train_baseline → leaks → test
    split → bottlenecks_test → leaks
    bottlenecks_original → train_augmented
    split → augment → bottlenecks_augmented → cross_validation → metrics
    bottlenecks_original → cross_validation

Every stage is a rule, a DVC stage, a module of workflow/huskies, a folder under data/ and a log of one name.
A rule names what it reads, and dvc.yaml lists it for DVC; what code a stage depends on follows from its imports.
params.yaml is the only configuration.
"""

import signal

from snakemake.utils import min_version

min_version("9.27")

# Whoever reads what Snakemake says may end first, as in `snakemake metrics 2>&1 | head -1`. Then it ends too, as other
# programs do; of itself it would wait for ever for a job whose failure it could not print.
signal.signal(signal.SIGPIPE, signal.SIG_DFL)


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/flow.smk"
include: "workflow/rules/shards.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/test.smk"
include: "workflow/rules/label_safety.smk"
include: "workflow/rules/budget.smk"
include: "workflow/rules/encoders.smk"
include: "workflow/rules/final.smk"
include: "workflow/rules/gate.smk"
include: "workflow/rules/preview.smk"
include: "workflow/rules/distorted.smk"
include: "workflow/rules/export.smk"
include: "workflow/rules/audit.smk"
include: "workflow/rules/check.smk"
include: "workflow/rules/luck.smk"
include: "workflow/rules/tensorboard.smk"
include: "workflow/rules/publish.smk"
include: "workflow/controls/targets.smk"


if shared:

    include: "workflow/rules/packs.smk"


rule all:
    """Everything up to the page, and what `snakemake --report` shows."""
    input:
        receipt("metrics"),
        receipt("report"),
        rules.publish.output,


# The flow again on noise, with a leak, with your own settings, as the article ran it, and under many policies: one rule a
# stage for all of them, with the flow's place as a wildcard.
module other:
    snakefile:
        "workflow/other_flows.smk"
    config:
        config


use rule * from other as other_*


leave_out_talk()


onstart:
    let_sigterm_end_snakemake()


onsuccess:
    or_exit(command.end_of_jobs, workflow, flow)
