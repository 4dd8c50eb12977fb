"""tensorboard: curves, training images beside their copies, and a map of the bottlenecks, for TensorBoard to show.

Event files carry times and host names, so all of it lies in data/tensorboard/, which is no stage's output.
"""

import csv
import math
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from huskies import outputs
from huskies.augmentation import gallery
from huskies.backbone import tensorflow_setup
from huskies.backbone.features import load_features, rows_of
from huskies.images import codec, contact_sheet, manifest
from huskies.planning import runner
from huskies.progress import bar
from huskies.training import head

ROOT = Path("data")
RUN = "images"
TENSORS, METADATA, SPRITE, CONFIG = "bottlenecks.tsv", "metadata.tsv", "sprite.png", "projector_config.pbtxt"
# TensorBoard keeps 10 steps of a picture, so a class has at most 10 sheets, one a step.
SHEETS, ROWS, COPIES = 10, 10, 10
# Pixels: of a thumbnail, and of the whole sprite, more than which browsers do not draw.
SIDE, SPRITE_SIDE = 64, 8192


def write_sheets(originals: pd.DataFrame, split: Path, augment: Path, folder: Path) -> None:
    """Write contact sheets of training images and their copies as events: one tag a class, one step a sheet.

    originals: rows of the split's manifest. Raises HuskyError if images are not those of their manifests.
    """
    tensorflow = tensorflow_setup.load_tensorflow()
    classes = originals[originals["split"] == "train"].groupby("label")
    writer = tensorflow.summary.create_file_writer(str(folder))
    with writer.as_default():
        for label, members in bar(classes, classes.ngroups, "tensorboard", unit=" classes"):
            chosen = members.head(SHEETS * ROWS)
            for start in range(0, len(chosen), ROWS):
                # Originals may be large, so those of one sheet alone are held at a time.
                sheet = chosen.iloc[start : start + ROWS]
                rows = gallery.with_copies(gallery.originals(split, sheet), augment, COPIES, SIDE)
                pixels = codec.decode(contact_sheet.draw(rows, SIDE))
                tensorflow.summary.image(f"original and copies/{label}", pixels[None], step=start // ROWS)
    writer.close()


def sprite(originals: pd.DataFrame, split: Path) -> tuple[Image.Image, int]:
    """Return (thumbnails of all images in the order of the rows, row by row in a square; the side of one in pixels)."""
    columns = math.ceil(math.sqrt(len(originals)))
    side = min(SIDE, SPRITE_SIDE // columns)
    square = Image.new("RGB", (columns * side, columns * side), "white")
    rows = bar(originals.itertuples(), len(originals), "tensorboard")
    for position, row in enumerate(rows):
        pixels = codec.decode(codec.read_checked(split / row.file, row.sha256))
        place = position % columns * side, position // columns * side
        square.paste(Image.fromarray(codec.resize(pixels, side)), place)
    return square, side


def write_projector(originals: pd.DataFrame, features: np.ndarray, split: Path, folder: Path) -> None:
    """Write what the embedding projector reads: features (float32, N × D), labels, thumbnails and where they are."""
    from google.protobuf import text_format
    from tensorboard.plugins.projector import projector_config_pb2

    np.savetxt(folder / TENSORS, features, fmt="%.6g", delimiter="\t")
    # The projector takes quotes for letters. Names hold neither tabs nor line ends, which raw refuses.
    originals[["label", "split", "file"]].to_csv(
        folder / METADATA, sep="\t", index=False, lineterminator="\n", quoting=csv.QUOTE_NONE
    )
    thumbnails, side = sprite(originals, split)
    thumbnails.save(folder / SPRITE)
    config = projector_config_pb2.ProjectorConfig()
    shown = config.embeddings.add(tensor_name="bottlenecks", tensor_path=TENSORS, metadata_path=METADATA)
    shown.sprite.image_path = SPRITE
    shown.sprite.single_image_dim.extend([side, side])
    (folder / CONFIG).write_text(text_format.MessageToString(config), encoding="utf-8")


def run(inputs: Sequence[Path]) -> str:
    """Write data/tensorboard/ from the stages whose receipts are `inputs`; return a line on it.

    Test images are left out. Raises HuskyError if a folder is not, or no longer, as its receipt says.
    """
    # A training holds its folder while it writes its events, so that the two never write the same ones at once.
    with runner.reading(inputs, ROOT / "tensorboard"):
        return _write({path.parent.name: path.parent for path in inputs})


def _write(folders: Mapping[str, Path]) -> str:
    for stage in ("train_baseline", "train_augmented"):
        head.write_events(pd.read_csv(folders[stage] / outputs.HISTORY), ROOT, stage)
    split, augment = folders["split"], folders["augment"]
    originals = rows_of(split, "train", "val")
    _, features = load_features(folders["bottlenecks_original"], originals)
    building, final = ROOT / f".tensorboard-{RUN}", ROOT / "tensorboard" / RUN
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir()
    write_sheets(originals, split, augment, building)
    write_projector(originals, features, split, building)
    shutil.rmtree(final, ignore_errors=True)
    building.rename(final)
    copies = len(manifest.read(augment / manifest.NAME))
    return f"curves of 2 heads, {len(originals)} images, {copies} copies: tensorboard --logdir {ROOT}"
