"""distorted: the head trained on images that are distorted anew in every step, only on request.

Reads data/split (training images alone), data/bottlenecks_original, data/leaks and backbones/.
Writes data/distorted/: what a train_… stage writes, and cost.json.
"""


rule distorted:
    """Train the last layer on the fly, with retrain.py's four distortions, and measure what a step costs."""
    input:
        split=made("split"),
        bottlenecks_original=made("bottlenecks_original"),
        leaks=made("leaks"),
        sent=sent("distorted"),
    output:
        receipt("distorted"),
    log:
        log_of("distorted"),
    conda:
        "../envs/huskies.yaml"
    threads: cores.all
    resources:
        **asked("distorted"),
    shell:
        "python -m huskies distorted --receipt {output:q} --inputs {input:q} --log {log:q} --cores {threads}"
