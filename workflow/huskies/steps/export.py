"""export: the whole network as one Keras file, for whoever has new photos and nothing of this; only on request.

It is the backbone with its preprocessing and the head of train_augmented, which without copies is that of
train_baseline. It computes in float32, so its probabilities are those of data/train_augmented/validation.csv up to
what the engine rounds.
"""

import shutil
from collections.abc import Callable

from huskies import outputs
from huskies.backbone import architectures, network, tensorflow_setup
from huskies.errors import HuskyError
from huskies.job import Job
from huskies.training import head

NAME = "model.keras"


def assemble(base, preprocess: Callable, top, side: int):
    """Return a Keras model from pixels of 0 to 255, float32, N × side × side × 3, to class probabilities.

    base, top: Keras models from preprocessed pixels to features, and from features to probabilities. preprocess: of
    keras.applications, whose few operations become layers, so that the saved model loads without code of ours.
    """
    import keras

    pixels = keras.Input((side, side, 3), name="pixels")
    base.trainable = False
    return keras.Model(pixels, top(base(preprocess(pixels))), name="two_huskies")


def run(job: Job) -> str:
    """Fill job.output with model.keras and labels.txt, in the order of its outputs; return a line on it.

    Raises HuskyError for a network in a file, which Keras does not read.
    """
    parameters, trained = job.params["backbone"], job.inputs["train_augmented"]
    if architectures.is_network(parameters["weights"]):
        raise HuskyError(
            f"export: {parameters['weights']} is a network in a file, and cannot be part of a Keras file. Choose an "
            "architecture of keras.applications in params.yaml to export."
        )
    tensorflow_setup.load_tensorflow()
    import keras

    base, side = network.build(parameters)
    top = keras.models.load_model(trained / head.NAME)
    model = assemble(base, network.preprocessing(parameters["name"]), top, side)
    head.save(model, job.output / NAME)
    shutil.copyfile(trained / outputs.LABELS, job.output / outputs.LABELS)
    megabytes = (job.output / NAME).stat().st_size / 1e6
    return f"{NAME}, {megabytes:.1f} MB: {side} × {side} pixels to {model.output_shape[1]} classes"
