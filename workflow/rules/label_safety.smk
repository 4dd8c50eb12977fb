"""label_safety: which transforms change the label on these images, only on request.

Reads data/split (training images alone), data/bottlenecks_original, data/train_baseline and backbones/.
Writes data/label_safety/: transforms.csv, table.txt, label_safety.json, copies.png.
"""


rule label_safety:
    """Judge copies of training images, made by one transform at a time, by the baseline head."""
    input:
        split=made("split"),
        bottlenecks_original=made("bottlenecks_original"),
        train_baseline=made("train_baseline"),
        sent=sent("label_safety"),
    output:
        receipt("label_safety"),
    log:
        log_of("label_safety"),
    conda:
        "../envs/huskies.yaml"
    threads: cores.all
    resources:
        **asked("label_safety"),
    shell:
        "python -m huskies label_safety --receipt {output:q} --inputs {input:q} --log {log:q} --cores {threads}"
