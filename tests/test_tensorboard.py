"""What `tensorboard --logdir data` shows, asked of a TensorBoard that runs, and the files that it reads."""

import errno
import fcntl
import io
import json
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pandas as pd
import pytest
from conftest import Clone, do
from google.protobuf import text_format
from huskies import receipt
from huskies.augmentation import gallery
from huskies.errors import HuskyError
from huskies.images import codec, contact_sheet, manifest
from huskies.steps import tensorboard
from PIL import Image
from servers import free_port
from tensorboard.plugins.projector import projector_config_pb2

RUN = "tensorboard/images"
SHADES = [10, 60, 110, 160, 210]
PICTURE = codec.encode(np.zeros((8, 8, 3), np.uint8), 95)


@pytest.fixture
def originals(tmp_path) -> pd.DataFrame:
    """The manifest of five images of one shade each, which lie beside it in tmp_path."""
    rows = []
    for number, shade in enumerate(SHADES):
        file = f"{'ab'[number % 2]}/train_{number}.jpg"
        content = codec.encode(np.full((20, 30, 3), shade, np.uint8), 95)
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_bytes(content)
        split = "val" if number == 4 else "train"
        rows.append({"file": file, "label": file[0], "split": split, "sha256": codec.sha256(content)})
    return manifest.make(rows)


def test_thumbnails_lie_in_the_order_of_the_rows_in_a_square(originals, tmp_path):
    picture, side = tensorboard.sprite(originals, tmp_path)
    assert (picture.size, side) == ((192, 192), 64)
    middles = [picture.getpixel((x, y))[0] for y in (32, 96, 160) for x in (32, 96, 160)]
    assert middles == [*SHADES, 255, 255, 255, 255]


def test_thumbnails_shrink_where_the_square_would_be_too_large_for_a_browser(originals, tmp_path, monkeypatch):
    monkeypatch.setattr(tensorboard, "SPRITE_SIDE", 100)
    picture, side = tensorboard.sprite(originals, tmp_path)
    assert (picture.size, side) == ((99, 99), 33)


def test_the_projector_has_for_every_point_its_features_labels_and_thumbnail(originals, tmp_path):
    features = np.linspace(-1, 1, 15, dtype=np.float32).reshape(5, 3)
    tensorboard.write_projector(originals, features, tmp_path, tmp_path)
    assert np.loadtxt(tmp_path / "bottlenecks.tsv") == pytest.approx(features, rel=1e-5)
    assert (tmp_path / "metadata.tsv").read_text().splitlines() == [
        "label\tsplit\tfile",
        "a\ttrain\ta/train_0.jpg",
        "b\ttrain\tb/train_1.jpg",
        "a\ttrain\ta/train_2.jpg",
        "b\ttrain\tb/train_3.jpg",
        "a\tval\ta/train_4.jpg",
    ]
    config = text_format.Parse(
        (tmp_path / "projector_config.pbtxt").read_text(), projector_config_pb2.ProjectorConfig()
    )
    (shown,) = config.embeddings
    assert (shown.tensor_path, shown.metadata_path) == ("bottlenecks.tsv", "metadata.tsv")
    assert (shown.sprite.image_path, list(shown.sprite.single_image_dim)) == ("sprite.png", [64, 64])


def test_sheets_are_of_training_images_alone_ten_rows_a_step(originals, tmp_path, monkeypatch):
    monkeypatch.setattr(tensorboard, "ROWS", 2)
    (tmp_path / "augment").mkdir()
    manifest.write(manifest.make([]), tmp_path / "augment/manifest.csv")
    drawn = []
    monkeypatch.setattr(
        contact_sheet, "draw", lambda rows, side: drawn.append([row.caption for row in rows]) or PICTURE
    )
    tensorboard.write_sheets(originals, tmp_path, tmp_path / "augment", tmp_path / "events")
    assert drawn == [["a\ntrain_0.jpg", "a\ntrain_2.jpg"], ["b\ntrain_1.jpg", "b\ntrain_3.jpg"]]
    (events,) = (tmp_path / "events").iterdir()
    assert [f"original and copies/{label}".encode() in events.read_bytes() for label in "abc"] == [True, True, False]


def test_originals_are_held_for_one_sheet_at_a_time(originals, tmp_path, monkeypatch):
    monkeypatch.setattr(tensorboard, "ROWS", 1)
    (tmp_path / "augment").mkdir()
    manifest.write(manifest.make([]), tmp_path / "augment/manifest.csv")
    read, asked = gallery.originals, []
    monkeypatch.setattr(gallery, "originals", lambda split, rows: asked.append(len(rows)) or read(split, rows))
    tensorboard.write_sheets(originals, tmp_path, tmp_path / "augment", tmp_path / "events")
    assert asked == [1, 1, 1, 1]


def test_quotes_in_names_are_shown_as_they_are(originals, tmp_path):
    originals["label"] = ['5" nail', "it's", 'the "rose"', "plain", "a, b"]
    tensorboard.write_projector(originals, np.zeros((5, 3), np.float32), tmp_path, tmp_path)
    lines = (tmp_path / "metadata.tsv").read_text().splitlines()[1:]
    assert [line.split("\t")[0] for line in lines] == list(originals["label"])


@pytest.fixture
def inputs(tmp_path, monkeypatch) -> list[Path]:
    """Receipts of the five stages that it reads, in the current folder, each with one file."""
    monkeypatch.chdir(tmp_path)
    receipts = []
    for stage in ("split", "augment", "bottlenecks_original", "train_baseline", "train_augmented"):
        Path("data", stage).mkdir(parents=True)
        Path("data", stage, "file").write_text(stage)
        planned = {"stage": stage}
        receipt.write(Path("data", stage), planned)
        receipts.append(Path("data", stage, receipt.name(receipt.plan_hash(planned))))
    return receipts


def refusal(inputs: list[Path]) -> str:
    with pytest.raises(HuskyError) as error:
        tensorboard.run(inputs)
    return str(error.value)


def test_a_folder_that_was_replaced_or_changed_is_not_shown(inputs, monkeypatch):
    monkeypatch.setattr(tensorboard, "_write", lambda folders: "written")
    assert tensorboard.run(inputs) == "written"
    Path("data/augment/file").write_text("changed")
    assert refusal(inputs) == (
        "data/augment is not as its receipt says: file. Delete the folder and run the same command again."
    )
    inputs[0].unlink()
    assert refusal(inputs) == "data/split was replaced meanwhile. Run the same command again."


def test_what_is_read_and_written_is_held_meanwhile(inputs, monkeypatch):
    def taken(folder: str, kind: int) -> bool:
        with open(f"data/.lock-{folder}") as file:
            try:
                fcntl.flock(file, kind | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def look(folders: dict[str, Path]) -> str:
        # A training wants its folder for itself; others may read it.
        assert [taken(stage, fcntl.LOCK_EX) for stage in folders] == [True] * 5
        assert [taken(stage, fcntl.LOCK_SH) for stage in folders] == [False] * 5
        assert taken("tensorboard", fcntl.LOCK_SH)
        return "looked"

    monkeypatch.setattr(tensorboard, "_write", look)
    assert tensorboard.run(inputs) == "looked"
    assert not taken("tensorboard", fcntl.LOCK_EX)


def test_a_full_disk_is_explained(inputs, monkeypatch):
    def fail(folders: dict[str, Path]) -> str:
        raise OSError(errno.ENOSPC, "No space left on device", "data/.tensorboard-images/sprite.png")

    monkeypatch.setattr(tensorboard, "_write", fail)
    assert refusal(inputs) == (
        "cannot write data/.tensorboard-images/sprite.png: the disk is full. Free some space, then run the same "
        "command again. Earlier results are as they were."
    )


@pytest.fixture(scope="module")
def shown(first_build, tmp_path_factory) -> tuple[Clone, str]:
    """A built clone whose test images are no images, and what `snakemake tensorboard` said there."""
    clone = first_build[0].copy(tmp_path_factory.mktemp("shown") / "clone")
    shutil.rmtree(clone.folder / "data/tensorboard")
    split = clone.folder / "data/split"
    listed = manifest.read(split / manifest.NAME)
    for file in listed.loc[listed["split"] == "test", "file"]:
        (split / file).write_bytes(b"nobody looks at this")
    receipt.write(split, receipt.read(split)["plan"])
    return clone, do(clone, "snakemake", "--cores", "2", "tensorboard")


@pytest.fixture(scope="module")
def ask(shown) -> Iterator[Any]:
    """A function that returns what a TensorBoard over the clone answers to a path below /data/ and a query."""
    clone, port = shown[0], free_port()
    program = Path(sys.executable).parent / "tensorboard"
    command = [program, "--logdir", "data", "--host", "127.0.0.1", "--port", str(port), "--load_fast", "false"]
    said = clone.folder.parent / "tensorboard.log"
    with open(said, "w") as log, subprocess.Popen(command, cwd=clone.folder, stdout=log, stderr=log) as process:

        def answer(path: str, **query: Any) -> bytes:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/data/{path}?{urlencode(query)}", timeout=60) as got:
                return got.read()

        try:
            for _ in range(600):
                assert process.poll() is None, said.read_text()
                try:
                    if RUN in json.loads(answer("runs")):
                        break
                except OSError:
                    pass
                time.sleep(0.2)
            yield answer
        finally:
            process.terminate()


@pytest.mark.long
def test_it_is_written_from_what_was_pulled_without_opening_a_test_image(shown):
    clone, said = shown
    manifests = [pd.read_csv(clone.folder / f"data/{stage}/manifest.csv") for stage in ("split", "augment")]
    count = manifests[0]["split"].isin(["train", "val"]).sum()
    line = f"tensorboard: curves of 2 heads, {count} images, {len(manifests[1])} copies: tensorboard --logdir data"
    assert line in said.splitlines()
    assert sorted(path.name for path in (clone.folder / "data/tensorboard").iterdir()) == [
        "images",
        "train_augmented",
        "train_baseline",
    ]
    assert not list((clone.folder / "data").glob(".tensorboard*"))
    assert do(clone, "git", "status", "--short", "data").strip() == ""


@pytest.mark.long
@pytest.mark.server
@pytest.mark.parametrize("head", ["train_baseline", "train_augmented"])
def test_tensorboard_shows_the_curves_of_both_heads(shown, ask, head):
    history = pd.read_csv(shown[0].folder / "data" / head / "history.csv")
    for split in ("train", "val"):
        points = json.loads(ask("plugin/scalars/scalars", run=f"tensorboard/{head}/{split}", tag="accuracy"))
        assert [step for _, step, _ in points] == list(history["step"])
        assert [value for *_, value in points] == pytest.approx(list(history[f"{split}_accuracy"]))


@pytest.mark.long
@pytest.mark.server
def test_tensorboard_shows_the_copies_beside_the_originals_of_each_class(shown, ask):
    listed = manifest.read(shown[0].folder / "data/split/manifest.csv")
    threes = ((listed["label"] == "3") & (listed["split"] == "train")).sum()
    tags = json.loads(ask("plugin/images/tags"))[RUN]
    assert sorted(tags) == [f"original and copies/{label}" for label in "036"]
    sheets = json.loads(ask("plugin/images/images", run=RUN, tag="original and copies/3", sample=0))
    assert [sheet["step"] for sheet in sheets] == [0]
    picture = ask("plugin/images/individualImage", **dict(pair.split("=") for pair in sheets[0]["query"].split("&")))
    with Image.open(io.BytesIO(picture)) as sheet:
        height, rest = divmod(sheet.height, threes)
        assert (sheet.format, rest) == ("PNG", 0)
        assert tensorboard.SIDE < height < 2 * tensorboard.SIDE


@pytest.mark.long
@pytest.mark.server
def test_tensorboard_projects_the_bottlenecks_with_labels_and_thumbnails(shown, ask):
    features = np.load(shown[0].folder / "data/bottlenecks_original/features.npy")
    given = {"run": RUN, "name": "bottlenecks"}
    answered = np.frombuffer(ask("plugin/projector/tensor", **given), np.float32).reshape(features.shape)
    assert answered == pytest.approx(features, rel=1e-4)
    assert len(ask("plugin/projector/metadata", **given).splitlines()) == len(features) + 1
    with Image.open(io.BytesIO(ask("plugin/projector/sprite_image", **given))) as sprite:
        assert sprite.format == "PNG"
