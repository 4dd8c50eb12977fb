"""augment: aug.factor copies of every training image, and of nothing else.

Reads data/split.
Writes data/augment/: <class>/train_<stem>_<copy>.jpg, and manifest.csv.

Uses all cores, and leaves room for one stage of bottlenecks beside it.
"""


rule augment:
    """Make the augmented copies of the training images."""
    input:
        split=made("split"),
        shards=shards("augment"),
        sent=sent("augment"),
    output:
        receipt("augment"),
    log:
        log_of("augment"),
    priority: 1
    conda:
        "../envs/huskies.yaml"
    threads: cores.half
    resources:
        **asked("augment"),
    params:
        cores=cores.used,
    shell:
        "python -m huskies augment --receipt {output:q} --inputs {input:q} --log {log:q} --cores {params.cores}"
