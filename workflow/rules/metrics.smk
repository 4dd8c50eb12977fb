"""metrics: both heads side by side on the same validation images.

Reads data/leaks, data/train_baseline, data/train_augmented and data/cross_validation.
Writes data/metrics/: metrics.json, summary.json, table.txt, per_class.csv, confusion.csv, predictions.csv.
"""


rule metrics:
    """Compare the two heads, with intervals and a verdict."""
    input:
        train_baseline=made("train_baseline"),
        train_augmented=made("train_augmented"),
        leaks=made("leaks"),
        cross_validation=made("cross_validation"),
        sent=sent("metrics"),
    output:
        receipt("metrics"),
    log:
        log_of("metrics"),
    conda:
        "../envs/huskies.yaml"
    resources:
        **asked("metrics"),
    shell:
        "python -m huskies metrics --receipt {output:q} --inputs {input:q} --log {log:q}"
