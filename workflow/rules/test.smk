"""test: both heads on the test images, at the end, only on request.

Reads data/split, data/bottlenecks_test, data/leaks and both heads.
Writes data/test/: test.json, baseline.csv, augmented.csv.
"""


rule test:
    """Score both heads on the test images."""
    input:
        split=made("split"),
        bottlenecks_test=made("bottlenecks_test"),
        train_baseline=made("train_baseline"),
        train_augmented=made("train_augmented"),
        leaks=made("leaks"),
    output:
        receipt("test"),
    log:
        log_of("test"),
    conda:
        "../envs/huskies.yaml"
    resources:
        **asked("test"),
    shell:
        "python -m huskies test --receipt {output:q} --inputs {input:q} --log {log:q}"
