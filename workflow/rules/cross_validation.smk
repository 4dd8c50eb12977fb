"""cross_validation: every image that is not a test image, asked of heads that were trained without its fold.

Reads data/split, data/augment, data/bottlenecks_original, data/bottlenecks_augmented and backbones/.
Writes data/cross_validation/: predictions.csv, cross_validation.json, per_class.csv, label_issues.csv,
table.txt.
"""


rule cross_validation:
    """Train both heads without each fold in turn, and ask them about it."""
    input:
        split=made("split"),
        augment=made("augment"),
        bottlenecks_original=made("bottlenecks_original"),
        bottlenecks_augmented=made("bottlenecks_augmented"),
        sent=sent("cross_validation"),
    output:
        receipt("cross_validation"),
    log:
        log_of("cross_validation"),
    conda:
        "../envs/huskies.yaml"
    threads: cores.all
    resources:
        **asked("cross_validation"),
    shell:
        "python -m huskies cross_validation --receipt {output:q} --inputs {input:q} --log {log:q} --cores {threads}"
