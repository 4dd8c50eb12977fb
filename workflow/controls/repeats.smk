"""repeats: the whole comparison over repeats.seeds sets of validation images; the test images stay held out.

Reads data/convert and data/group.
Writes data/repeats/<number>/, a folder for each stage, and data/repeats/repeats/: repeats.csv, repeats.json, table.txt.
"""


rule repeats:
    """Put the repeats side by side: mean, spread, and an interval that knows that training sets overlap."""
    input:
        gathered("repeats"),
    output:
        receipt("repeats"),
    log:
        log_of("repeats"),
    conda:
        "../envs/huskies.yaml"
    shell:
        "python -m huskies repeats --receipt {output:q} --inputs {input:q} --log {log:q}"
