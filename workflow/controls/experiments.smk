"""experiments: the settings of experiments.csv, each a flow of its own, as one run.

Reads experiments.csv, params.yaml, and data/metrics and data/cross_validation of each setting.
Writes data/experiment_stages/<hash>/, a folder for each stage that a setting does not share with data/, and
data/experiments/: experiments.csv, table.md.
"""


rule experiments:
    """Put the settings side by side: accuracies, gains, which cannot be told apart, and how far luck would lead."""
    input:
        gathered("experiments"),
    output:
        "data/experiments/receipt-{hash}.json",
    log:
        "logs/experiments-{hash}.log",
    conda:
        "../envs/huskies.yaml"
    resources:
        **asked("experiments"),
    shell:
        "python -m huskies experiments --receipt {output:q} --inputs {input:q} --log {log:q}"
