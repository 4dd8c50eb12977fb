"""luck: how far the best of the settings that were tried leads, and how far chance alone would let it.

Reads params.yaml, and data/metrics of HEAD and of every experiment from DVC; writes nothing, and runs whenever asked.
"""


rule luck:
    """Compare the settings that DVC knows with what chance alone gives the best of them."""
    log:
        "logs/luck.log",
    conda:
        "../envs/huskies.yaml"
    resources:
        **asked("luck"),
    shell:
        "python -m huskies luck --log {log:q}"
