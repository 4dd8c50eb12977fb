"""group: what must stay together, found before the split.

Reads data/convert and backbones/mini.weights.h5.
Writes data/group/: groups.csv, near.csv with the pairs of near-duplicates, and conflicts.csv with copies of one image
that stand under two labels.
"""


rule group:
    """Join duplicates, near-duplicates, _nohash_ siblings and the user's own groups."""
    input:
        convert=made("convert"),
    output:
        receipt("group"),
    log:
        log_of("group"),
    conda:
        "../envs/huskies.yaml"
    threads: cores.all
    resources:
        **asked("group"),
    shell:
        "python -m huskies group --receipt {output:q} --inputs {input:q} --log {log:q} --cores {threads}"
