"""repeats: the whole comparison over repeats.seeds sets of validation images; the test images stay held out.

Reads data/convert and data/group.
Writes data/repeats/<number>/, a folder for each stage, and data/repeats/repeats/: repeats.csv, repeats.json, table.txt.
"""

from huskies.controls import flows

repeated = {f"metrics_{number}": each for number, each in enumerate(or_exit(flows.repeats, flow), 1)}
repeats_plan = flows.summary("repeats", repeated, flow.params)

for name, each in repeated.items():
    alias = name.replace("metrics", "repeats") + "_"

    module:
        name: alias
        snakefile:
            "../flow.smk"
        config:
            {"flow": each}
    # fmt: off
    use rule * from alias exclude convert, group as alias*
    # fmt: on
rule repeats:
    """Put the repeats side by side: mean, spread, and an interval that knows that training sets overlap."""
    input:
        [ancient(each.receipt("metrics")) for each in repeated.values()],
    output:
        receipt_path(repeats_plan, "data/repeats"),
    log:
        "logs/repeats/repeats.log",
    conda:
        "../envs/huskies.yaml"
    shell:
        "python -m huskies repeats --receipt {output:q} --inputs {input:q} --log {log:q}"
