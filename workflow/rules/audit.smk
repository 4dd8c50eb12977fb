"""audit: compares everything under data/ with what it claims to be, and names the command that fixes what is not.

Reads params.yaml, the code, the raw images and every folder under data/; writes nothing, and runs whenever asked.
"""


rule audit:
    """Check receipts, files, manifests, a sample of the bottlenecks, and where metrics.json comes from."""
    log:
        "logs/audit.log",
    conda:
        "../envs/huskies.yaml"
    threads: cores.all
    resources:
        **asked("audit"),
    shell:
        "python -m huskies audit --log {log:q} --cores {threads}"
