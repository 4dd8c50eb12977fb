"""picture: leaking pairs can be looked at."""

import numpy as np
import pandas as pd
from huskies import images, picture
from PIL import Image

COLUMNS = ["file", "held_out", "reason", "similarity"]


def sheet_of(tmp_path, pairs: list[tuple[str, str]]) -> np.ndarray:
    leaks = pd.DataFrame([(*pair, "near-duplicate", "0.9900") for pair in pairs], columns=COLUMNS)
    return np.asarray(picture.pairs(leaks, [tmp_path / "split", tmp_path / "augment"]))


def save(path, colour: tuple[int, int, int], height: int = 128) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(images.encode(np.full((height, 128, 3), colour, np.uint8), 100))


def test_both_images_of_a_pair_stand_side_by_side_wherever_they_lie(tmp_path):
    save(tmp_path / "augment/a/train_1_0.jpg", (250, 0, 0))
    save(tmp_path / "split/a/val_2.jpg", (0, 0, 250))
    sheet = sheet_of(tmp_path, [("a/train_1_0.jpg", "a/val_2.jpg")])
    assert np.abs(sheet[8:136, 8:136].astype(int) - (250, 0, 0)).max() <= 2
    assert np.abs(sheet[8:136, 144:272].astype(int) - (0, 0, 250)).max() <= 2
    # The names and the reason are written below them.
    assert [(sheet[top : top + 20] < 100).any() for top in (136, 156, 176)] == [True] * 3


def test_an_image_keeps_its_aspect_and_one_that_is_not_there_is_grey(tmp_path):
    save(tmp_path / "split/a/train_1.jpg", (250, 0, 0), height=64)
    sheet = sheet_of(tmp_path, [("a/train_1.jpg", "")])
    assert np.abs(sheet[40:104, 8:136].astype(int) - (250, 0, 0)).max() <= 2
    assert (sheet[8:36, 8:136] == 211).all()
    assert (sheet[8:136, 144:272] == 211).all()


def test_twenty_pairs_are_shown_and_long_names_are_not_cut(tmp_path):
    one = sheet_of(tmp_path, [("a/train.jpg", "a/val.jpg")])
    many = sheet_of(tmp_path, [("a/train.jpg", "a/val.jpg")] * 21)
    assert many.shape == (20 * one.shape[0], *one.shape[1:])
    assert sheet_of(tmp_path, [("a/" + 100 * "W", "")]).shape[1] > 2 * one.shape[1]


def test_the_same_pairs_give_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        save(tmp_path / "split/a/train_1.jpg", (250, 0, 0))
        leaks = pd.DataFrame([("a/train_1.jpg", "a/val_é.jpg", "group", "")], columns=COLUMNS)
        picture.write_whole(picture.pairs(leaks, [tmp_path / "split"]), tmp_path / name / "leaks.png")
    assert (tmp_path / "one/leaks.png").read_bytes() == (tmp_path / "two/leaks.png").read_bytes()
    assert [path.name for path in (tmp_path / "one").iterdir()] == ["leaks.png"]
    with Image.open(tmp_path / "one/leaks.png") as found:
        assert found.format == "PNG"
