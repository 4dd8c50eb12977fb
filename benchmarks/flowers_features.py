"""The photos that benchmarks/flowers.py is about, and the features of their views by MobileNetV2."""

import functools
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from huskies.backbone import network, tensorflow_setup
from huskies.images import codec
from PIL import Image

SHARED = Path(os.environ["HUSKIES_SHARED"])
WEIGHTS = SHARED / "keras/models/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5"
# The layers that are tried, by the names that they have here.
LAYERS = {
    "6e": "block_6_expand_relu",
    "10e": "block_10_expand_relu",
    "12a": "block_12_add",
    "13e": "block_13_expand_relu",
    "13p": "block_13_project_BN",
    "14e": "block_14_expand_relu",
    "15e": "block_15_expand_relu",
    "15a": "block_15_add",
    "16e": "block_16_expand_relu",
    "16p": "block_16_project_BN",
    "last": "out_relu",
}


@functools.cache
def photos() -> tuple[pd.DataFrame, list[np.ndarray]]:
    """Return (columns file, label, source, group, source_sha256, sha256; the pixels that `convert` makes of each)."""
    table = pd.read_csv(SHARED / "data/flowers/flower_labels.csv", dtype=str).sort_values("file", ignore_index=True)
    contents = [(SHARED / "data/flowers" / file).read_bytes() for file in table["file"]]
    jpegs = [codec.encode(codec.decode(content), 95) for content in contents]
    table["source"], table["group"] = table["file"], ""
    table["source_sha256"], table["sha256"] = ([codec.sha256(each) for each in some] for some in (contents, jpegs))
    return table, [codec.decode(jpeg) for jpeg in jpegs]


def view(pixels: np.ndarray, name: str, side: int, resampling: str) -> np.ndarray:
    """Return a view of a photo as side × side × 3: flipped, turned by degrees, or seven eighths of each side."""
    height, width = (round(each * 7 / 8) for each in pixels.shape[:2])
    top, left = pixels.shape[0] - height, pixels.shape[1] - width
    corners = {"NW": (0, 0), "NE": (0, left), "SW": (top, 0), "SE": (top, left), "middle": (top // 2, left // 2)}
    if corner := corners.get(name.removesuffix(" flip")):
        pixels = pixels[corner[0] : corner[0] + height, corner[1] : corner[1] + width]
    if name.startswith("turn"):
        margins = [(each // 2, each // 2) for each in pixels.shape[:2]]
        padded = Image.fromarray(np.pad(pixels, [*margins, (0, 0)], mode="reflect"))
        turned = np.asarray(padded.rotate(float(name.split()[1]), Image.Resampling.BICUBIC))
        pixels = turned[margins[0][0] : -margins[0][0], margins[1][0] : -margins[1][0]]
    flipped = pixels[:, ::-1] if name.endswith("flip") else pixels
    resized = Image.fromarray(np.ascontiguousarray(flipped)).resize((side, side), Image.Resampling[resampling])
    return np.asarray(resized)


@functools.lru_cache(1)
def all_layers(side: int) -> Callable:
    """Return the function from pixels to the average- and maximum-pooled output of every layer of LAYERS."""
    tensorflow = tensorflow_setup.load_tensorflow()
    import keras

    base = keras.applications.MobileNetV2(include_top=False, weights=None, input_shape=(side, side, 3))
    base.load_weights(WEIGHTS)
    pools = {"average": keras.layers.GlobalAveragePooling2D, "maximum": keras.layers.GlobalMaxPooling2D}
    outputs = {
        f"{layer} {name}": pool()(base.get_layer(LAYERS[layer]).output)
        for layer in LAYERS
        for name, pool in pools.items()
    }
    model, preprocess = keras.Model(base.input, outputs), network.preprocessing("MobileNetV2")
    return tensorflow.function(lambda pixels: model(preprocess(tensorflow.cast(pixels, "float32")), training=False))


@functools.cache
def seen(side: int, name: str, resampling: str) -> dict[str, np.ndarray]:
    """Return the features of a view of all photos by layer and pooling, float32, photos × D."""
    pixels = np.stack([view(each, name, side, resampling) for each in photos()[1]])
    parts = [all_layers(side)(pixels[start : start + 15]) for start in range(0, len(pixels), 15)]
    return {key: np.concatenate([part[key].numpy() for part in parts]) for key in parts[0]}
