"""leakage: augment first, split afterwards, with the gate open, beside the honest run; on your data and on noise.

Reads data/split, data/noise/split, and the metrics of both flows.
Writes data/leakage/{data,noise}/, a folder for each stage, and data/leakage/leakage/: leakage.csv, table.txt, leakage.png.
"""


rule augmented_first:
    """Copy all images before any is held out."""
    input:
        gathered("augmented_first"),
    output:
        receipt("augmented_first"),
    log:
        log_of("augmented_first"),
    conda:
        "../envs/huskies.yaml"
    threads: cores.all
    resources:
        **asked("augmented_first"),
    shell:
        "python -m huskies augmented_first --receipt {output:q} --inputs {input:q} --log {log:q} --cores {threads}"


rule leakage:
    """Put the leaky numbers beside the honest ones: every point above is leak."""
    input:
        gathered("leakage"),
    output:
        receipt("leakage"),
    log:
        log_of("leakage"),
    conda:
        "../envs/huskies.yaml"
    resources:
        **asked("leakage"),
    shell:
        "python -m huskies leakage --receipt {output:q} --inputs {input:q} --log {log:q}"
