"""budget: what more photos would bring, more copies, and which class to photograph next, only on request.

Reads data/split, data/augment, data/bottlenecks_original, data/bottlenecks_augmented, data/cross_validation and
backbones/.
Writes data/budget/: budget.json, table.txt, budget.html, curve.svg, answers.csv.
"""


rule budget:
    """Train both heads on parts of the photos, and carry on the curve of what they know."""
    input:
        split=made("split"),
        augment=made("augment"),
        bottlenecks_original=made("bottlenecks_original"),
        bottlenecks_augmented=made("bottlenecks_augmented"),
        cross_validation=made("cross_validation"),
        sent=sent("budget"),
    output:
        receipt("budget"),
    log:
        log_of("budget"),
    conda:
        "../envs/huskies.yaml"
    threads: cores.all
    resources:
        **asked("budget"),
    shell:
        "python -m huskies budget --receipt {output:q} --inputs {input:q} --log {log:q} --cores {threads}"
