"""gallery: training images beside their copies, and beside what each transform makes of them alone."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from huskies.augmentation import gallery, policy
from huskies.augmentation.copies import make_copies
from huskies.augmentation.gallery import Original
from huskies.errors import HuskyError
from huskies.images import codec, manifest, naming
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

TURN = {"transform": "Affine", "rotate": [-20, 20], "scale": [0.8, 1.2], "p": 0.1}
FLIP = {"transform": "HorizontalFlip", "p": 0.5}


def pixels(seed: int = 0, height: int = 24, width: int = 32) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def original(seed: int = 0) -> Original:
    return Original("cat", f"cat/train_{seed}.jpg", pixels(seed), f"{seed:064}")


def captions(rows: list[gallery.Row]) -> list[list[str]]:
    return [[picture.caption for picture in row.pictures] for row in rows]


@pytest.fixture
def data(tmp_path) -> Path:
    """Folders split and augment: of each of two classes three training images with two copies, and held-out ones."""
    rows, copies = [], []
    for number, (label, stem) in enumerate((label, stem) for label in ("cat", "dog") for stem in "abc"):
        for split in ("train", "val", "test"):
            jpeg = codec.encode(pixels(number), 95)
            file = naming.with_split(f"{label}/{stem}.jpg", split)
            row = {"file": file, "label": label, "split": split, "source_sha256": f"{9 - number}", "copy": ""}
            rows.append({**row, "sha256": codec.sha256(jpeg)})
            (tmp_path / "split" / label).mkdir(parents=True, exist_ok=True)
            if split == "train":
                (tmp_path / "split" / file).write_bytes(jpeg)
                for k in range(2):
                    copy = codec.encode(pixels(100 + 10 * number + k), 95)
                    path = tmp_path / "augment" / naming.with_copy(file, k)
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(copy)
                    copies.append({**row, "file": naming.with_copy(file, k), "sha256": codec.sha256(copy)})
    manifest.write(manifest.make(rows), tmp_path / "split/manifest.csv")
    manifest.write(manifest.make(copies), tmp_path / "augment/manifest.csv")
    return tmp_path


@given(st.integers(1, 80), st.integers(1, 80), st.integers(1, 64))
def test_a_thumbnail_has_the_side_that_is_asked_for_and_the_aspect_of_the_image(height, width, side):
    with Image.open(io.BytesIO(gallery.thumbnail(np.zeros((height, width, 3), np.uint8), side))) as small:
        assert small.format == "JPEG"
        assert max(small.size) == side
        shorter = side * min(height, width) / max(height, width)
        assert min(small.size) == pytest.approx(max(1, shorter), abs=0.5)
        assert (small.width >= small.height) == (width >= height) or small.width == small.height


def test_a_class_gives_its_first_training_images_by_the_hash_of_the_source(data):
    chosen = gallery.choose(manifest.read(data / "split/manifest.csv"), 2)
    assert chosen["file"].tolist() == [
        "cat/train_c.jpg", "cat/train_b.jpg", "dog/train_c.jpg", "dog/train_b.jpg",
    ]  # fmt: skip
    assert chosen.index.tolist() == [0, 1, 2, 3]


def test_originals_stand_beside_their_own_copies(data):
    chosen = list(gallery.originals(data / "split", gallery.choose(manifest.read(data / "split/manifest.csv"), 1)))
    rows = gallery.with_copies(chosen, data / "augment", 5, 32)
    assert [row.caption for row in rows] == ["cat\ntrain_c.jpg", "dog\ntrain_c.jpg"]
    assert captions(rows) == [["original", "copy 0", "copy 1"]] * 2
    for row, file in zip(rows, ("cat/train_c.jpg", "dog/train_c.jpg"), strict=True):
        found = [data / "split" / file, *(data / "augment" / naming.with_copy(file, k) for k in range(2))]
        expected = [gallery.thumbnail(codec.decode(path.read_bytes()), 32) for path in found]
        assert [picture.jpeg for picture in row.pictures] == expected
    assert captions(gallery.with_copies(chosen, data / "augment", 1, 32)) == [["original", "copy 0"]] * 2


def test_held_out_images_are_never_opened(data):
    rows = manifest.read(data / "split/manifest.csv")
    assert set(gallery.choose(rows, 9)["split"]) == {"train"}
    chosen = rows[(rows["split"] == "train") | (rows["file"] == "dog/val_c.jpg")]
    assert chosen["split"].iloc[0] == "train"
    with pytest.raises(ValueError, match="not for looking at"):
        next(gallery.originals(data / "split", chosen))


def test_an_image_that_is_not_what_its_manifest_lists_is_refused(data):
    rows = gallery.choose(manifest.read(data / "split/manifest.csv"), 1)
    chosen = list(gallery.originals(data / "split", rows))
    (data / "augment/cat/train_c_1.jpg").write_bytes(b"other")
    with pytest.raises(HuskyError, match=r"cat/train_c_1.jpg is not the file its manifest lists"):
        gallery.with_copies(chosen, data / "augment", 5, 32)
    (data / "split/cat/train_c.jpg").write_bytes(b"other")
    with pytest.raises(HuskyError, match=r"cat/train_c.jpg is not the file its manifest lists"):
        next(gallery.originals(data / "split", rows))


def test_originals_are_opened_one_by_one(data):
    rows = gallery.choose(manifest.read(data / "split/manifest.csv"), 1)
    (data / "split/dog/train_c.jpg").write_bytes(b"other")
    opened = gallery.originals(data / "split", rows)
    assert next(opened).file == "cat/train_c.jpg"
    with pytest.raises(HuskyError, match=r"dog/train_c.jpg is not the file its manifest lists"):
        next(opened)


def test_the_whole_policy_makes_the_copies_that_augment_makes(tmp_path):
    path = tmp_path / "cat/train_0.jpg"
    path.parent.mkdir()
    path.write_bytes(codec.encode(pixels(), 95))
    sha256 = codec.sha256(path.read_bytes())
    decoded = original()._replace(pixels=codec.decode(path.read_bytes()))
    made = make_copies(path, sha256, decoded.source_sha256, 3, 7, json.dumps([FLIP, TURN]), 100)
    [row] = gallery.whole_policy([decoded], [FLIP, TURN], 7, 3, 32)
    assert captions([row]) == [["original", "copy 0", "copy 1", "copy 2"]]
    for picture, jpeg in zip(row.pictures[1:], made, strict=True):
        shown, copy = (codec.decode(each).astype(int) for each in (picture.jpeg, jpeg))
        # The one went through another JPEG than the other.
        assert np.abs(shown - copy).mean() < 12


def test_each_transform_is_alone_and_always_applied():
    shown = gallery.each_transform([original(1), original(2)], [FLIP, TURN], 1, 3, 32)
    assert [name for name, _ in shown] == ["aug.policy.0 HorizontalFlip", "aug.policy.1 Affine"]
    flipped = shown[0][1][0].pictures
    assert {picture.jpeg for picture in flipped[1:]} == {gallery.thumbnail(np.fliplr(pixels(1)).copy(), 32)}
    for _, rows in shown:
        assert [row.caption for row in rows] == ["cat\ntrain_1.jpg", "cat\ntrain_2.jpg", "extremes"]
        assert captions(rows)[:2] == [["original", "draw 0", "draw 1", "draw 2"]] * 2


def test_extremes_are_both_ends_of_every_range_with_the_others_at_their_middle():
    [(_, rows)] = gallery.each_transform([original()], [TURN], 1, 0, 32)
    assert captions(rows)[-1] == ["original", "rotate -20", "rotate 20", "scale 0.8", "scale 1.2"]
    # The middle of both ranges changes nothing, so that one end is that argument's doing alone.
    turned = policy.build([{"transform": "Affine", "rotate": [-20, -20], "p": 1.0}])(pixels(), 1)
    assert rows[-1].pictures[1].jpeg == gallery.thumbnail(turned, 32)


def test_without_a_range_the_most_changed_of_many_draws_is_the_extreme():
    [(_, rows)] = gallery.each_transform([original()], [FLIP], 1, 0, 32)
    assert captions(rows)[-1] == ["original", "the most changed of 32"]
    half = np.zeros((24, 32, 3), np.uint8)
    half[12:] = 255
    quarters = {"transform": "RandomRotate90"}
    [(_, rows)] = gallery.each_transform([original()._replace(pixels=half)], [quarters], 1, 0, 32)
    assert rows[-1].pictures[1].jpeg == gallery.thumbnail(np.flipud(half).copy(), 32)


def test_what_cannot_be_tried_alone_says_why():
    crop = {"transform": "RandomCrop", "height": 100, "width": 100}
    [(name, [row]), (_, others)] = gallery.each_transform([original()], [crop, FLIP], 1, 1, 32)
    assert name == "aug.policy.0 RandomCrop"
    assert row.caption.startswith("not tried alone: aug.policy does not work on an image of 32 × 24 pixels: ")
    assert row.pictures == []
    assert len(others) == 2


def test_the_same_images_and_seed_give_the_same_pictures():
    arguments = ([original()], [TURN, {"transform": "GaussNoise"}], 3, 2, 32)
    assert gallery.each_transform(*arguments) == gallery.each_transform(*arguments)
    assert gallery.whole_policy(*arguments) == gallery.whole_policy(*arguments)
    assert gallery.whole_policy(*arguments) != gallery.whole_policy(*arguments[:2], 4, *arguments[3:])
