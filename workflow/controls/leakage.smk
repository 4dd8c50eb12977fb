"""leakage: augment first, split afterwards, with the gate open, beside the honest run; on your data and on noise.

Reads data/split, data/noise/split, and the metrics of both flows.
Writes data/leakage/{data,noise}/, a folder for each stage, and data/leakage/leakage/: leakage.csv, table.txt, leakage.png.
"""

from huskies.controls import flows

if "noise" not in asked:

    include: "noise.smk"


leaky = or_exit(flows.leaky, flow, "data/leakage/data")
leaky_noise = or_exit(flows.leaky, noise_flow, "data/leakage/noise")
compared = {"honest": flow, "leaky": leaky, "noise_honest": noise_flow, "noise_leaky": leaky_noise}
leakage_plan = flows.summary("leakage", compared, flow.params)


rule leakage_augmented_first:
    """Copy all images of your data before anything is held out."""
    input:
        ancient(flow.receipt("split")),
    output:
        leaky.receipt("augmented_first"),
    log:
        leaky.log("augmented_first"),
    conda:
        "../envs/huskies.yaml"
    threads: workflow.cores
    shell:
        "python -m huskies augmented_first --receipt {output:q} --inputs {input:q} --log {log:q} --cores {threads}"


use rule leakage_augmented_first as leakage_noise_augmented_first with:
    input:
        ancient(noise_flow.receipt("split")),
    output:
        leaky_noise.receipt("augmented_first"),
    log:
        leaky_noise.log("augmented_first"),


module leaky_module:
    snakefile:
        "../flow.smk"
    config:
        {"flow": leaky}


use rule * from leaky_module as leakage_data_*


module leaky_noise_module:
    snakefile:
        "../flow.smk"
    config:
        {"flow": leaky_noise}


use rule * from leaky_noise_module as leakage_noise_*


rule leakage:
    """Put the leaky numbers beside the honest ones: every point above is leak."""
    input:
        [ancient(each.receipt("metrics")) for each in compared.values()],
    output:
        receipt_path(leakage_plan, "data/leakage"),
    log:
        "logs/leakage/leakage.log",
    conda:
        "../envs/huskies.yaml"
    shell:
        "python -m huskies leakage --receipt {output:q} --inputs {input:q} --log {log:q}"
