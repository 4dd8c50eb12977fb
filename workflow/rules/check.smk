"""check: makes every stage again from nothing, and compares the bytes with those that are there.

Reads params.yaml, the code, the raw images and every folder under data/ that DVC knows; changes nothing, and runs
whenever asked.
"""


rule check:
    """Make every stage again, without the store and earlier outputs, and compare it with what is there."""
    log:
        "logs/check.log",
    conda:
        "../envs/huskies.yaml"
    threads: cores.all
    resources:
        **asked("check"),
    shell:
        "python -m huskies check --log {log:q} --cores {threads}"
