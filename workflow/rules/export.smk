"""export: the classifier in the formats of other runtimes, only on request.

Reads data/final, data/gate (what does not pass is not exported), data/split, data/cross_validation and ledger.csv.
Writes data/export/: model.keras, saved_model, model.onnx, model.tflite, model_int8.tflite, model.xml with model.bin,
classifier.html, labels.txt, two_huskies.json, formats.csv, table.txt, and README.md, the model card.
"""


rule export:
    """Write the classifier for Keras, TensorFlow, ONNX, LiteRT and OpenVINO, and ask each file what it says."""
    input:
        split=made("split"),
        cross_validation=made("cross_validation"),
        final=made("final"),
        gate=made("gate"),
        sent=sent("export"),
    output:
        receipt("export"),
    log:
        log_of("export"),
    conda:
        "../envs/huskies.yaml"
    threads: cores.all
    resources:
        **asked("export"),
    shell:
        "python -m huskies export --receipt {output:q} --inputs {input:q} --log {log:q} --cores {threads}"
