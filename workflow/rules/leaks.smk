"""leaks: the gate before any number.

Reads data/split, the manifest of data/augment, all bottlenecks, and the rows that both heads were trained on.
Writes data/leaks/: leaks.json, and for leaks.action: warn also leaks.csv and pairs.png; or fails with the pairs named,
and shown in logs/leaks.png.
"""


rule leaks:
    """Trace every training row to its source, compare it with what is held out, and stop at a leak."""
    input:
        split=made("split"),
        augment=made("augment"),
        bottlenecks_original=made("bottlenecks_original"),
        bottlenecks_augmented=made("bottlenecks_augmented"),
        bottlenecks_test=made("bottlenecks_test"),
        train_baseline=made("train_baseline"),
        train_augmented=made("train_augmented"),
        sent=sent("leaks"),
    output:
        receipt("leaks"),
    log:
        log_of("leaks"),
    conda:
        "../envs/huskies.yaml"
    threads: cores.all
    resources:
        **asked("leaks"),
    shell:
        "python -m huskies leaks --receipt {output:q} --inputs {input:q} --log {log:q} --cores {threads}"
