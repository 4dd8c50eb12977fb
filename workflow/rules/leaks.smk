"""leaks: the gate before any number.

Reads the manifests of data/split and data/augment, and the rows that both heads were trained on.
Writes data/leaks/leaks.json, or fails with the pairs named.
"""


rule leaks:
    """Trace every training row to its source, and stop at a held-out one."""
    input:
        upstream("leaks"),
    output:
        receipt("leaks"),
    log:
        log_of("leaks"),
    conda:
        "../envs/huskies.yaml"
    shell:
        "python -m huskies leaks --receipt {output:q} --inputs {input:q} --log {log:q}"
