"""report: the page to look at, of everything up to metrics.

Reads every folder above but the bottlenecks of copies and of test images, and ledger.csv.
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
