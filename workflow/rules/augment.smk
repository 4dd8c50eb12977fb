"""augment: aug.factor copies of every training image, and of nothing else.

Reads data/split.
Writes data/augment/: <class>/train_<stem>_<copy>.jpg, and manifest.csv.
"""


rule augment:
    """Make the augmented copies of the training images."""
    input:
        split=made("split"),
    output:
        receipt("augment"),
    log:
        log_of("augment"),
    conda:
        "../envs/huskies.yaml"
    threads: workflow.cores
    shell:
        "python -m huskies augment --receipt {output:q} --inputs {input:q} --log {log:q} --cores {threads}"
