"""Two Huskies: from raw images to honest metrics.

    raw → convert → group → split → augment → bottlenecks_augmented → train_augmented → leaks → metrics → report
    split → bottlenecks_original → train_baseline → leaks → test
    split → bottlenecks_test → leaks
    bottlenecks_original → train_augmented

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


include: "workflow/flow.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/test.smk"
include: "workflow/rules/label_safety.smk"
include: "workflow/rules/preview.smk"
include: "workflow/rules/distorted.smk"
include: "workflow/rules/export.smk"
include: "workflow/rules/audit.smk"
include: "workflow/rules/check.smk"
include: "workflow/rules/luck.smk"
include: "workflow/rules/tensorboard.smk"
include: "workflow/rules/publish.smk"


# What a bare `snakemake` makes and `snakemake --report` shows; rules in included files cannot say so of themselves.
workflow.default_target = "publish"


# The flow again on noise, with a leak, on other splits, as the article ran it, and under many policies: read only when
# asked for.
FURTHER = {
    "noise": "controls",
    "leakage": "controls",
    "repeats": "controls",
    "article": "article",
    "sweep": "article",
}
asked = asked_for(FURTHER, sys.argv[1:])
for control in asked:

    include: f"workflow/{FURTHER[control]}/{control}.smk"


leave_out_talk()
later = add_page(workflow)


def report_and_record():
    """See that all is there, make what shows this look at the test set, and tell DVC of what is built, if that is news.

    What killed runs have left goes. Nothing of it after a dry run; of overridden parameters, and by itself, DVC is told
    nothing.
    """
    if workflow.dryrun:
        return
    or_exit(targets.check, workflow)
    or_exit(stage_folder.clear, Path("data"))
    if config or os.environ.get("DVC_STAGE"):
        return
    if later:
        # This tells DVC, too.
        shell(f"snakemake --cores {workflow.cores} -- {later[0]}")
    elif record.needed(flow.plans):
        shell("python -m huskies record")


onstart:
    let_sigterm_end_snakemake()


onsuccess:
    report_and_record()


when_nothing_to_be_done(report_and_record)
