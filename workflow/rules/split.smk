"""split: every image gets its prefix, train_, val_ or test_; a group never crosses a split.

Reads data/convert and data/group.
Writes data/split/: <class>/<split>_<stem>.jpg, manifest.csv, and moves.csv.
"""


rule split:
    """Hold out validation and test images, group by group."""
    input:
        convert=made("convert"),
        group=made("group"),
        sent=sent("split"),
    output:
        receipt("split"),
    log:
        log_of("split"),
    conda:
        "../envs/huskies.yaml"
    resources:
        **asked("split"),
    shell:
        "python -m huskies split --receipt {output:q} --inputs {input:q} --log {log:q}"
