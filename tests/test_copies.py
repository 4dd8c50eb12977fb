"""copies: what a copy is follows from its image and its number alone."""

import hashlib

import numpy as np
from huskies.augmentation import copies
from huskies.augmentation.copies import copy_seed
from huskies.images import codec, manifest


def test_a_seed_is_the_same_for_ever_and_differs_for_every_copy():
    assert copy_seed(1, "abc", 0) == int(hashlib.sha256(b"1:abc:0").hexdigest()[:8], 16)
    seeds = {copy_seed(s, source, k) for s in range(5) for source in ("abc", "abd", "1") for k in range(20)}
    assert len(seeds) == 300


def test_copies_are_written_beside_each_other_with_their_manifest(tmp_path):
    content = codec.encode(np.zeros((8, 8, 3), np.uint8), 90)
    (tmp_path / "split/cat").mkdir(parents=True)
    (tmp_path / "split/cat/val_a.jpg").write_bytes(content)
    (tmp_path / "out").mkdir()
    row = {"file": "cat/val_a.jpg", "label": "cat", "split": "val", "group": "g", "source_sha256": "s"}
    rows = manifest.make([{**row, "sha256": codec.sha256(content)}])
    aug = {"factor": 2, "seed": 1, "policy": [{"transform": "HorizontalFlip", "p": 0.5}]}
    made = copies.write(rows, tmp_path / "split", tmp_path / "out", aug, 90, 1, "test")
    assert made["file"].tolist() == ["cat/val_a_0.jpg", "cat/val_a_1.jpg"]
    assert made["copy"].tolist() == ["0", "1"]
    assert set(made["source_sha256"]) == {"s"}
    for each in made.itertuples():
        assert codec.sha256((tmp_path / "out" / each.file).read_bytes()) == each.sha256
