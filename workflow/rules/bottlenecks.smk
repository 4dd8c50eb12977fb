"""bottlenecks_…: the backbone's pooled output, once per image, from the store where it is known.

Reads data/split (original: train and val images; test: test images; all: train images, for int8), augmented also
data/augment, and backbones/.
Writes data/bottlenecks_…/: features.npy, index.csv, identity.json.
"""


rule bottlenecks_original:
    """Compute the bottlenecks of training and validation images."""
    input:
        split=made("split"),
    output:
        receipt("bottlenecks_original"),
    log:
        log_of("bottlenecks_original"),
    conda:
        "../envs/huskies.yaml"
    threads: workflow.cores
    shell:
        "python -m huskies bottlenecks_original --receipt {output:q} --inputs {input:q} --log {log:q} --cores {threads}"


rule bottlenecks_augmented:
    """Compute the bottlenecks of the augmented copies."""
    input:
        split=made("split"),
        augment=made("augment"),
    output:
        receipt("bottlenecks_augmented"),
    log:
        log_of("bottlenecks_augmented"),
    conda:
        "../envs/huskies.yaml"
    threads: workflow.cores
    shell:
        "python -m huskies bottlenecks_augmented --receipt {output:q} --inputs {input:q} --log {log:q} --cores {threads}"


rule bottlenecks_test:
    """Compute the bottlenecks of the test images, apart from all others."""
    input:
        split=made("split"),
    output:
        receipt("bottlenecks_test"),
    log:
        log_of("bottlenecks_test"),
    conda:
        "../envs/huskies.yaml"
    threads: workflow.cores
    shell:
        "python -m huskies bottlenecks_test --receipt {output:q} --inputs {input:q} --log {log:q} --cores {threads}"
