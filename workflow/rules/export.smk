"""export: the whole network as one Keras file, only on request.

Reads data/train_augmented and backbones/.
Writes data/export/: model.keras and labels.txt.
"""


rule export:
    """Put preprocessing, backbone and head into one model that classifies photos with Keras alone."""
    input:
        train_augmented=made("train_augmented"),
    output:
        receipt("export"),
    log:
        log_of("export"),
    conda:
        "../envs/huskies.yaml"
    resources:
        **asked("export"),
    shell:
        "python -m huskies export --receipt {output:q} --inputs {input:q} --log {log:q}"
