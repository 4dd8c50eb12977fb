"""Two Huskies: from raw images to honest metrics.

    raw ─ convert ─ group ─ split ─┬─ bottlenecks_original ────────────┬─ train_baseline ──┐
                                   ├─ augment ─ bottlenecks_augmented ─┴─ train_augmented ─┴─ leaks ─ metrics
                                   └─ bottlenecks_test ───────────────────────────────────────── test

Every stage is a rule, a DVC stage, a module of workflow/huskies, a folder under data/ and a log of one name.
What a stage depends on stands in dvc.yaml and nowhere else; params.yaml is the only configuration.
"""

from snakemake.utils import min_version

min_version("9.27")


include: "workflow/flow.smk"


onsuccess:
    if not overridden and not os.environ.get("DVC_STAGE"):
        shell("python -m huskies record")
