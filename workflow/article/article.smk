"""article: everything that the article shows, made anew, with our numbers beside its own.

Reads params.yaml with the parameter files of workflow/article/ over it, article.flowers, and data/noise.
Writes data/article_rows/, a folder for each row and in it one for each stage, and data/article/: article.html,
article.csv.
"""


rule polynomials:
    """Fit polynomials of degree 1 to 15 to noisy samples of a cosine."""
    input:
        gathered("polynomials"),
    output:
        receipt("polynomials"),
    log:
        log_of("polynomials"),
    conda:
        "../envs/huskies.yaml"
    resources:
        **asked("polynomials"),
    shell:
        "python -m huskies polynomials --receipt {output:q} --inputs {input:q} --log {log:q}"


rule old_bottlenecks:
    """Train on the bottlenecks that a cache keyed by file names hands over after a change."""
    input:
        gathered("old_bottlenecks"),
    output:
        receipt("old_bottlenecks"),
    log:
        log_of("old_bottlenecks"),
    conda:
        "../envs/huskies.yaml"
    resources:
        **asked("old_bottlenecks"),
    shell:
        "python -m huskies old_bottlenecks --receipt {output:q} --inputs {input:q} --log {log:q}"


rule tuning:
    """Choose the best of random policies on the validation images, and look at it on the test images."""
    input:
        gathered("tuning"),
    output:
        receipt("tuning"),
    log:
        log_of("tuning"),
    conda:
        "../envs/huskies.yaml"
    resources:
        **asked("tuning"),
    shell:
        "python -m huskies tuning --receipt {output:q} --inputs {input:q} --log {log:q}"


rule article:
    """Put everything that the article shows onto one page, our numbers beside its own."""
    input:
        gathered("article"),
    output:
        "data/article/receipt-{hash}.json",
    log:
        "logs/article-{hash}.log",
    conda:
        "../envs/huskies.yaml"
    resources:
        **asked("article"),
    shell:
        "python -m huskies article --receipt {output:q} --inputs {input:q} --log {log:q}"
