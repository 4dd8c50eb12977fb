"""article: everything that the article shows, made anew, with our numbers beside its own.

Reads params.yaml with the parameter files of workflow/article/ over it, article.flowers, and data/noise.
Writes data/article_rows/, a folder for each row and in it one for each stage, and data/article/: article.html,
article.csv.
"""

from huskies.article import row_flows

# The article's first experiment is a control of its own.
if not {"noise", "leakage"} & set(asked):

    include: "../controls/noise.smk"


rows, gathered = or_exit(row_flows.make, flow, noise_flow, config, sys.argv[1:])


def sharing(*stages):
    """Return the rows that have just these stages from another row, by the prefix of their rules."""
    return [
        f"article_{name.replace('/', '_')}_"
        for name, each in rows.items()
        if each.shared.keys() & flow.plans.keys() == set(stages)
    ]


for name, each in rows.items():
    row = f"article_{name.replace('/', '_')}_"

    module:
        name: row
        snakefile:
            "../flow.smk"
        config:
            {"flow": each}
# fmt: off
for row in sharing():

    use rule * from row as row*


for row in sharing(*row_flows.BEFORE_SPLIT):

    use rule * from row exclude convert, group as row*


for row in sharing(*row_flows.BEFORE_BACKBONE):

    use rule * from row exclude convert, group, split, augment as row*


for row in sharing(*row_flows.BEFORE_TRAINING):

    use rule * from row exclude convert, group, split, augment, bottlenecks_original, bottlenecks_augmented, \
        bottlenecks_test as row*


for row in sharing(*row_flows.BESIDE_AUGMENT):

    use rule * from row exclude convert, group, split, bottlenecks_original, bottlenecks_test, train_baseline as row*


# fmt: on
use rule label_safety as article_label_safety with:
    input:
        [ancient(path) for path in rows["label_safety"].upstream("label_safety")],
    output:
        rows["label_safety"].receipt("label_safety"),
    log:
        rows["label_safety"].log("label_safety"),


rule article_polynomials:
    """Fit polynomials of degree 1 to 15 to noisy samples of a cosine."""
    output:
        gathered["polynomials"].flow.receipt("polynomials"),
    log:
        gathered["polynomials"].flow.log("polynomials"),
    conda:
        "../envs/huskies.yaml"
    shell:
        "python -m huskies polynomials --receipt {output:q} --log {log:q}"


if "tuning" in gathered:

    for name, each in rows.items():
        if "augmented_first" in each.plans and not each.shared:

            rule article_augmented_first:
                """Copy all flowers before any is held out."""
                input:
                    ancient(rows[name.replace("leaky", "flowers")].receipt("split")),
                output:
                    each.receipt("augmented_first"),
                log:
                    each.log("augmented_first"),
                conda:
                    "../envs/huskies.yaml"
                threads: workflow.cores
                shell:
                    "python -m huskies augmented_first --receipt {output:q} --inputs {input:q} --log {log:q} "
                    "--cores {threads}"

    use rule distorted as article_distorted with:
        input:
            [ancient(path) for path in gathered["distorted"].receipts],
        output:
            gathered["distorted"].flow.receipt("distorted"),
        log:
            gathered["distorted"].flow.log("distorted"),

    rule article_old_bottlenecks:
        """Train on the bottlenecks that a cache keyed by file names hands over after a change."""
        input:
            [ancient(path) for path in gathered["old_bottlenecks"].receipts],
        output:
            gathered["old_bottlenecks"].flow.receipt("old_bottlenecks"),
        log:
            gathered["old_bottlenecks"].flow.log("old_bottlenecks"),
        conda:
            "../envs/huskies.yaml"
        shell:
            "python -m huskies old_bottlenecks --receipt {output:q} --inputs {input:q} --log {log:q}"

    rule article_tuning:
        """Choose the best of random policies on the validation images, and look at it on the test images."""
        input:
            [ancient(path) for path in gathered["tuning"].receipts],
        output:
            gathered["tuning"].flow.receipt("tuning"),
        log:
            gathered["tuning"].flow.log("tuning"),
        conda:
            "../envs/huskies.yaml"
        shell:
            "python -m huskies tuning --receipt {output:q} --inputs {input:q} --log {log:q}"


rule article:
    """Put everything that the article shows onto one page, our numbers beside its own."""
    input:
        [ancient(path) for path in gathered["article"].receipts],
    output:
        gathered["article"].flow.receipt("article"),
    log:
        gathered["article"].flow.log("article"),
    conda:
        "../envs/huskies.yaml"
    shell:
        "python -m huskies article --receipt {output:q} --inputs {input:q} --log {log:q}"
