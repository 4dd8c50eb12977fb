"""publish: what `snakemake --report` shows: the figures of the page and the table of numbers, with their captions.

Reads data/report and data/metrics.
Writes data/publish/<hash of the page's receipt>/, a small HTML page for each: the figures are made to stand in one. They
are copies, since Snakemake deletes what a rule declares before it runs the rule, while a stage's folder is replaced as a
whole or not at all. By its name, a copy is never stale.
"""

published = f"data/publish/{flow.hashes['report']}"


rule publish:
    """Copy figures and numbers to where Snakemake's report finds them."""
    input:
        report=made("report"),
        metrics=made("metrics"),
    output:
        report(
            f"{published}/cross_validation.html",
            caption="../report/cross_validation.rst",
            category="Answer",
            labels={"shows": "every image asked, without and with augmentation"},
        ),
        report(
            f"{published}/comparison.html",
            caption="../report/comparison.rst",
            category="Answer",
            labels={"shows": "without and with augmentation"},
        ),
        report(
            f"{published}/learning_curves.html",
            caption="../report/learning_curves.rst",
            category="Training",
            labels={"shows": "learning curves"},
        ),
        report(
            f"{published}/per_class.html",
            caption="../report/per_class.rst",
            category="Classes",
            labels={"shows": "recall and precision"},
        ),
        report(
            f"{published}/confusion_baseline.html",
            caption="../report/confusion.rst",
            category="Classes",
            labels={"shows": "confusion without augmentation"},
        ),
        report(
            f"{published}/confusion_augmented.html",
            caption="../report/confusion.rst",
            category="Classes",
            labels={"shows": "confusion with augmentation"},
        ),
        report(
            f"{published}/map.html",
            caption="../report/map.rst",
            category="Images",
            labels={"shows": "map of the bottlenecks"},
        ),
        report(
            f"{published}/table.html",
            caption="../report/table.rst",
            category="Answer",
            labels={"shows": "the numbers and the verdict"},
        ),
    log:
        "logs/publish.log",
    conda:
        "../envs/huskies.yaml"
    resources:
        **asked("publish"),
    params:
        folder=subpath(output[0], parent=True),
    shell:
        "python -m huskies publish --inputs {input:q} --folder {params.folder:q} --log {log:q}"
