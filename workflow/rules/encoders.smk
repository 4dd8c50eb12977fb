"""encoders: several backbones on the same folds of the photos, only on request.

Reads data/split, data/augment, data/cross_validation and backbones/.
Writes data/encoders/: encoders.json, encoders.csv, table.txt, encoders.html, encoders.svg, answers.csv, cost.json.
"""


rule encoders:
    """Ask every backbone among the candidates what cross-validation asks the present one."""
    input:
        split=made("split"),
        augment=made("augment"),
        cross_validation=made("cross_validation"),
        sent=sent("encoders"),
    output:
        receipt("encoders"),
    log:
        log_of("encoders"),
    conda:
        "../envs/huskies.yaml"
    threads: cores.all
    resources:
        **asked("encoders"),
    shell:
        "python -m huskies encoders --receipt {output:q} --inputs {input:q} --log {log:q} --cores {threads}"
