"""report: the page to look at, of everything up to metrics.

Reads every folder above, except bottlenecks_augmented and bottlenecks_test.
Writes data/report/: report.html, and figures/ with what is drawn in it.
"""


rule report:
    """Write the page that leads with the answer and shows what it rests on."""
    input:
        convert=made("convert"),
        group=made("group"),
        split=made("split"),
        augment=made("augment"),
        bottlenecks_original=made("bottlenecks_original"),
        train_baseline=made("train_baseline"),
        train_augmented=made("train_augmented"),
        leaks=made("leaks"),
        cross_validation=made("cross_validation"),
        metrics=made("metrics"),
        sent=sent("report"),
    output:
        receipt("report"),
    log:
        log_of("report"),
    conda:
        "../envs/huskies.yaml"
    resources:
        **asked("report"),
    shell:
        "python -m huskies report --receipt {output:q} --inputs {input:q} --log {log:q}"
