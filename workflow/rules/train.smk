"""train_…: a new last layer, without and with the augmented copies.

Reads the manifests of data/split and data/augment, and the bottlenecks of originals and copies.
Writes data/train_…/: head.keras, labels.txt, history.csv, rows.csv, validation.csv, validation_right.npy,
validation_cross_entropy.npy, scores.json, and TensorBoard events to data/tensorboard/.
"""


rule train_baseline:
    """Train the last layer on the original images alone."""
    input:
        split=made("split"),
        bottlenecks_original=made("bottlenecks_original"),
        sent=sent("train_baseline"),
    output:
        receipt("train_baseline"),
    log:
        log_of("train_baseline"),
    conda:
        "../envs/huskies.yaml"
    resources:
        **asked("train_baseline"),
    shell:
        "python -m huskies train_baseline --receipt {output:q} --inputs {input:q} --log {log:q}"


rule train_augmented:
    """Train the last layer on originals and augmented copies."""
    input:
        split=made("split"),
        augment=made("augment"),
        bottlenecks_original=made("bottlenecks_original"),
        bottlenecks_augmented=made("bottlenecks_augmented"),
        sent=sent("train_augmented"),
    output:
        receipt("train_augmented"),
    log:
        log_of("train_augmented"),
    conda:
        "../envs/huskies.yaml"
    resources:
        **asked("train_augmented"),
    shell:
        "python -m huskies train_augmented --receipt {output:q} --inputs {input:q} --log {log:q}"
