"""What there is beside the stages where jobs share a bucket, by --default-storage-provider, and no folder.

Each stage then reads and writes archives, packs/<stage>-<hash>.tar. What else a job needs is sent to the bucket from the
project's folder, and what reads the raw images or writes the ledger is made there. `collect` brings results home.
"""


wildcard_constraints:
    hash="[0-9a-f]{16}",


# By this variable jobs know hashes, parameters and the number of images, and neither list these nor read code.
envvars:
    packs.VARIABLE,


def collected(wildcards):
    """Return the archives of what is to be brought home."""
    begun()
    return [shared.archive(stage) for stage in targets.to_collect(workflow, flow.plans)]


# Made by the command itself, where raw images, ledger and data/ are.
localrules:
    convert,
    group,
    test,
    preview,
    audit,
    check,
    luck,
    tensorboard,
    publish,


rule send_plan:
    """Send the plan of a stage."""
    output:
        "packs/plan-{hash}.json",
    localrule: True
    shell:
        "cp .snakemake/plans/{wildcards.hash}.json {output:q}"


rule send_weights:
    """Send the weights that the plans of some stages name."""
    output:
        "packs/weights-{hash}.tar",
    log:
        "logs/send_weights-{hash}.log",
    localrule: True
    params:
        files=lambda wildcards: shared.weights(wildcards.hash),
    shell:
        "python -m huskies send_weights --archive {output:q} --files {params.files:q} --log {log:q}"


rule ready_backbone:
    """Convert the backbone once for all jobs that compute with it."""
    input:
        sent=ancient(shared.backbone()),
    output:
        "packs/backbone-{hash}.tar",
    log:
        "logs/ready_backbone-{hash}.log",
    resources:
        **asked("bottlenecks_original"),
    shell:
        "python -m huskies ready_backbone --archive {output:q} --inputs {input:q} --log {log:q}"


rule collect:
    """Bring the results of DVC's stages into data/, and of what else is asked for in the same command."""
    input:
        ancient(collected),
    log:
        "logs/collect.log",
    localrule: True
    shell:
        "python -m huskies collect --inputs {input:q} --log {log:q}"
