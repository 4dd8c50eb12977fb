"""noise: the article's first experiment, through the very flow that makes your own numbers.

Reads params.yaml with workflow/controls/noise.yaml over it.
Writes data/noise/: noise_images/, and a folder for each stage; the numbers are in data/noise/metrics/metrics.json.
"""

from huskies.controls import flows

noise_flow = or_exit(flows.noise, config)


rule noise_images:
    """Make images of nothing."""
    output:
        noise_flow.receipt("noise_images"),
    log:
        noise_flow.log("noise_images"),
    conda:
        "../envs/huskies.yaml"
    shell:
        "python -m huskies noise_images --receipt {output:q} --log {log:q}"


module noise_module:
    snakefile:
        "../flow.smk"
    config:
        {"flow": noise_flow}


use rule * from noise_module as noise_*


rule noise:
    """Training accuracy near 1, validation accuracy at chance: what learning by heart looks like."""
    input:
        noise_flow.receipt("metrics"),
