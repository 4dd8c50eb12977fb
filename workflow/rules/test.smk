"""test: both heads on the test images, at the end, asked for by name only.

Reads data/split, data/bottlenecks_test, data/leaks and both heads.
Writes data/test/: test.json, baseline.csv, augmented.csv.
"""


rule test:
    """Score both heads on the test images."""
    input:
        upstream("test"),
    output:
        receipt("test"),
    log:
        log_of("test"),
    conda:
        "../envs/huskies.yaml"
    shell:
        "python -m huskies test --receipt {output:q} --inputs {input:q} --log {log:q}"
