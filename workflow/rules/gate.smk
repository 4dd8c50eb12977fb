"""gate: whether the classifier to hand over is as good as params.yaml asks for, only on request.

Reads data/final.
Writes data/gate/: gate.json.
"""


rule gate:
    """Compare the lower ends of the out-of-fold intervals with what is asked for."""
    input:
        final=made("final"),
        sent=sent("gate"),
    output:
        receipt("gate"),
    log:
        log_of("gate"),
    conda:
        "../envs/huskies.yaml"
    resources:
        **asked("gate"),
    shell:
        "python -m huskies gate --receipt {output:q} --inputs {input:q} --log {log:q}"
