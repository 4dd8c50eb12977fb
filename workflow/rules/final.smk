"""final: the classifier to hand over, trained on every photo that is not a test image, only on request.

Reads data/split, data/augment, data/bottlenecks_original, data/bottlenecks_augmented, data/bottlenecks_test,
data/cross_validation and backbones/.
Writes data/final/: classifier.npz, neighbours.npy, photos.csv, labels.txt, the backbone's weights, final.json, table.txt,
reliability.svg. DVC keeps it by data/final.dvc.
"""


rule final:
    """Train the head to hand over, and measure how sure it may be and what it refuses."""
    input:
        split=made("split"),
        augment=made("augment"),
        bottlenecks_original=made("bottlenecks_original"),
        bottlenecks_augmented=made("bottlenecks_augmented"),
        bottlenecks_test=made("bottlenecks_test"),
        cross_validation=made("cross_validation"),
        sent=sent("final"),
    output:
        receipt("final"),
    log:
        log_of("final"),
    conda:
        "../envs/huskies.yaml"
    threads: cores.all
    resources:
        **asked("final"),
    shell:
        "python -m huskies final --receipt {output:q} --inputs {input:q} --log {log:q} --cores {threads}"
