"""sweep: which policy works best on the flowers, how many copies pay, and with how few photos.

Reads the photos in article.flowers, and params.yaml with workflow/article/sweep.yaml over it.
Writes data/sweep_flows/<policy>/<copies>/<training images of a class>/<split>/, a folder for each stage, and data/sweep/:
sweep.csv, runs.csv, table.md, sweep.png.
"""

from huskies.article import sweep_flows
from huskies.controls import flows

swept = or_exit(sweep_flows.flows, config)
first = next(iter(swept.values()))
sweep_plan = flows.summary("sweep", {setting.key: each for setting, each in swept.items()}, first.params)

for setting, each in swept.items():
    alias = setting.alias

    module:
        name: alias
        snakefile:
            "../flow.smk"
        config:
            {"flow": each}
    # fmt: off
    # What is left out is shared with an earlier flow.
    if each is first:
        use rule * from alias as alias*
    elif setting.policy == sweep_flows.NONE:
        use rule * from alias exclude convert, group as alias*
    elif setting.policy == sweep_flows.MIXUP:
        use rule train_baseline, train_augmented, leaks, metrics from alias as alias*
    else:
        use rule augment, bottlenecks_augmented, train_augmented, leaks, metrics from alias as alias*
    # fmt: on
rule sweep:
    """Put all settings side by side: accuracies, gains with intervals, and how far luck would let the best lead."""
    input:
        [ancient(each.receipt("metrics")) for each in swept.values()],
    output:
        receipt_path(sweep_plan),
    log:
        "logs/sweep.log",
    conda:
        "../envs/huskies.yaml"
    shell:
        "python -m huskies sweep --receipt {output:q} --inputs {input:q} --log {log:q}"
