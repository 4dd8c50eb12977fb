"""augmented_first: copies that no longer say which image they are of."""

import numpy as np
from conftest import bare_job
from huskies.controls import augmented_first
from huskies.images import codec, manifest


def test_augmented_first_copies_training_and_validation_images_under_names_that_say_nothing(tmp_path):
    rows = []
    for file in ("cat/train_a.jpg", "cat/val_b.jpg", "dog/train_c.jpg", "dog/test_d.jpg"):
        jpeg = codec.encode(np.full((8, 8, 3), len(rows) * 40, np.uint8), 95)
        path = tmp_path / "split" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(jpeg)
        label, split = file.split("/")[0], file.split("/")[1].split("_")[0]
        source = codec.sha256(file.encode())
        rows.append(
            {"file": file, "label": label, "split": split, "source_sha256": source, "sha256": codec.sha256(jpeg)}
        )
    (tmp_path / "split/dog/test_d.jpg").unlink()
    manifest.write(manifest.make(rows), tmp_path / "split" / manifest.NAME)
    policy = [{"transform": "RandomBrightnessContrast", "p": 1.0}]
    job = bare_job(
        "augmented_first",
        tmp_path / "out",
        params={"aug": {"factor": 2, "seed": 1, "policy": policy}, "convert": {"quality": 95}},
        inputs={"split": tmp_path / "split"},
    )
    assert augmented_first.run(job) == "3 images and 6 copies of them, to be split afterwards"
    made = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.jpg")}
    stems = {row["file"]: row["source_sha256"][:16] for row in rows}
    assert made == {
        f"images/{file.split('/')[0]}/{stems[file]}{ending}.jpg"
        for file in ("cat/train_a.jpg", "cat/val_b.jpg", "dog/train_c.jpg")
        for ending in ("", "_0", "_1")
    }
