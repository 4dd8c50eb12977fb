"""tensorboard: what `tensorboard --logdir data` shows, only on request.

Reads data/split (training and validation images alone), data/augment, data/bottlenecks_original and the two trainings.
Writes data/tensorboard/, which is no stage's output: curves, images beside their copies, the embedding projector's files.
"""


rule tensorboard:
    """Write curves, images and bottlenecks for TensorBoard."""
    input:
        split=made("split"),
        augment=made("augment"),
        bottlenecks_original=made("bottlenecks_original"),
        train_baseline=made("train_baseline"),
        train_augmented=made("train_augmented"),
    log:
        "logs/tensorboard.log",
    conda:
        "../envs/huskies.yaml"
    resources:
        **asked("tensorboard"),
    shell:
        "python -m huskies tensorboard --inputs {input:q} --log {log:q}"
