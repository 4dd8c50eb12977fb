"""bottlenecks_…: the backbone's pooled output, once per image, from the store where it is known.

Reads data/split (original: train and val images; test: test images; all: train images, for int8), augmented also
data/augment, and backbones/.
Writes data/bottlenecks_…/: features.npy, index.csv, identity.json.

Each uses all cores, and leaves room for one beside it: while the one starts or converts its network, for which a single
core will do, the other works. Those that trainings wait for come first.
"""


rule bottlenecks_original:
    """Compute the bottlenecks of training and validation images."""
    input:
        split=made("split"),
        shards=shards("bottlenecks_original"),
        sent=sent("bottlenecks_original"),
    output:
        receipt("bottlenecks_original"),
    log:
        log_of("bottlenecks_original"),
    priority: 1
    conda:
        "../envs/huskies.yaml"
    threads: cores.half
    resources:
        **asked("bottlenecks_original"),
    params:
        cores=cores.used,
    shell:
        "python -m huskies bottlenecks_original --receipt {output:q} --inputs {input:q} --log {log:q} --cores {params.cores}"


rule bottlenecks_augmented:
    """Compute the bottlenecks of the augmented copies."""
    input:
        split=made("split"),
        augment=made("augment"),
        shards=shards("bottlenecks_augmented"),
        sent=sent("bottlenecks_augmented"),
    output:
        receipt("bottlenecks_augmented"),
    log:
        log_of("bottlenecks_augmented"),
    priority: 1
    conda:
        "../envs/huskies.yaml"
    threads: cores.half
    resources:
        **asked("bottlenecks_augmented"),
    params:
        cores=cores.used,
    shell:
        "python -m huskies bottlenecks_augmented --receipt {output:q} --inputs {input:q} --log {log:q} --cores {params.cores}"


rule bottlenecks_test:
    """Compute the bottlenecks of the test images, apart from all others."""
    input:
        split=made("split"),
        shards=shards("bottlenecks_test"),
        sent=sent("bottlenecks_test"),
    output:
        receipt("bottlenecks_test"),
    log:
        log_of("bottlenecks_test"),
    conda:
        "../envs/huskies.yaml"
    threads: cores.half
    resources:
        **asked("bottlenecks_test"),
    params:
        cores=cores.used,
    shell:
        "python -m huskies bottlenecks_test --receipt {output:q} --inputs {input:q} --log {log:q} --cores {params.cores}"
