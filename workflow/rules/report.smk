"""report: the page to look at, of everything up to metrics.

Reads ledger.csv and every folder above, except bottlenecks_augmented and bottlenecks_test.
Writes data/report/: report.html, and figures/ with what is drawn in it.
"""


rule report:
    """Write the page that leads with the answer and shows what it rests on."""
    input:
        upstream("report"),
    output:
        receipt("report"),
    log:
        log_of("report"),
    conda:
        "../envs/huskies.yaml"
    shell:
        "python -m huskies report --receipt {output:q} --inputs {input:q} --log {log:q}"
