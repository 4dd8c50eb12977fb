"""sweep: which policy works best on the flowers, how many copies pay, and with how few photos.

Reads the photos in article.flowers, and params.yaml with workflow/article/sweep.yaml over it.
Writes data/sweep_flows/<policy>/<copies>/<training images of a class>/<split>/, a folder for each stage, and data/sweep/:
sweep.csv, runs.csv, table.md, sweep.png.
"""


rule sweep:
    """Put all settings side by side: accuracies, gains with intervals, and how far luck would let the best lead."""
    input:
        gathered("sweep"),
    output:
        "data/sweep/receipt-{hash}.json",
    log:
        "logs/sweep-{hash}.log",
    conda:
        "../envs/huskies.yaml"
    resources:
        **asked("sweep"),
    shell:
        "python -m huskies sweep --receipt {output:q} --inputs {input:q} --log {log:q}"
