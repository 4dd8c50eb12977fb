"""noise: the article's first experiment, through the very flow that makes your own numbers.

Reads params.yaml with workflow/controls/noise.yaml over it.
Writes data/noise/: noise_images/, and a folder for each stage; the numbers are in data/noise/metrics/metrics.json.
"""


rule noise_images:
    """Make images of nothing."""
    input:
        gathered("noise_images"),
    output:
        receipt("noise_images"),
    log:
        log_of("noise_images"),
    conda:
        "../envs/huskies.yaml"
    resources:
        **asked("noise_images"),
    shell:
        "python -m huskies noise_images --receipt {output:q} --inputs {input:q} --log {log:q}"
