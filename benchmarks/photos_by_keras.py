"""What a user of Keras would write for a folder of photos: distorted on the fly, through a frozen backbone, by `fit`.

Run by benchmarks/photos.py: `python benchmarks/photos_by_keras.py FOLDER WEIGHTS SIDE EPOCHS ACCURACY`. FOLDER has
`train` and `val`, each with class folders. It ends when validation accuracy is reached, or after so many epochs, and
prints (epochs, the best validation accuracy) as JSON.
"""

import json
import sys

import keras


class _Enough(keras.callbacks.Callback):
    def __init__(self, accuracy: float):
        super().__init__()
        self.accuracy = accuracy

    def on_epoch_end(self, epoch: int, logs: dict) -> None:
        self.model.stop_training = logs["val_accuracy"] >= self.accuracy


def main(folder: str, weights: str, side: int, epochs: int, accuracy: float) -> None:
    """Train, and print what came out."""
    sets = {
        name: keras.utils.image_dataset_from_directory(
            f"{folder}/{name}", image_size=(side, side), seed=1, verbose=False
        )
        for name in ("train", "val")
    }
    shape = (side, side, 3)
    base = keras.applications.MobileNetV2(include_top=False, weights=weights, input_shape=shape, pooling="avg")
    base.trainable = False
    layers = keras.layers
    model = keras.Sequential([
        keras.Input(shape),
        layers.RandomFlip("horizontal", seed=1),
        layers.RandomRotation(15 / 360, seed=2),
        layers.RandomZoom((-0.15, 0.15), seed=3),
        layers.Rescaling(1 / 127.5, offset=-1),
        base,
        layers.Dense(len(sets["train"].class_names), activation="softmax"),
    ])  # fmt: skip
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    fitted = model.fit(
        sets["train"], validation_data=sets["val"], epochs=epochs, callbacks=[_Enough(accuracy)], verbose=0
    )
    reached = fitted.history["val_accuracy"]
    print(json.dumps([len(reached), max(reached)]))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5]))
