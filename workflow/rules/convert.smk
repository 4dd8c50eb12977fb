"""convert: any picture that Pillow reads becomes an upright RGB JPEG.

Reads the images that params.yaml names as raw: class folders, a folder with a CSV, or a zip.
Writes data/convert/: <class>/<stem>.jpg, manifest.csv, and rejected.csv with the reason for each broken image.
"""


rule convert:
    """Turn the raw images into JPEGs and list the broken ones."""
    input:
        raw=made_raw(),
        shards=shards("convert"),
    output:
        receipt("convert"),
    log:
        log_of("convert"),
    conda:
        "../envs/huskies.yaml"
    threads: cores.all
    resources:
        **asked("convert"),
    shell:
        "python -m huskies convert --receipt {output:q} --inputs {input:q} --log {log:q} --cores {threads}"
