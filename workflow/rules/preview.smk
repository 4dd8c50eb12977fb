"""preview: what aug.policy makes of a few images, before any set is built, only on request.

Reads the raw images, a few of those that split will train on.
Writes data/preview/: preview.html, policy.png, transforms.png.
"""


rule preview:
    """Show the policy and each of its transforms, with their extremes, on a few images."""
    input:
        raw=made_raw(),
    output:
        receipt("preview"),
    log:
        log_of("preview"),
    conda:
        "../envs/huskies.yaml"
    resources:
        **asked("preview"),
    shell:
        "python -m huskies preview --receipt {output:q} --inputs {input:q} --log {log:q}"
