"""noise_images: images in which there is nothing to learn."""

import numpy as np
from conftest import bare_job
from huskies.controls import noise_images
from PIL import Image


def test_noise_is_every_value_alike_and_another_seed_is_other_noise():
    noise = noise_images.make(50, 28, 1)
    assert (noise.shape, noise.dtype) == ((50, 28, 28, 3), np.uint8)
    assert np.bincount(noise.ravel(), minlength=256).min() > 300  # of about 459
    assert abs(np.corrcoef(noise[:, :, 1:].ravel(), noise[:, :, :-1].ravel())[0, 1]) < 0.01
    assert (noise_images.make(50, 28, 1) == noise).all()
    assert (noise_images.make(50, 28, 2) != noise).any()


def test_the_images_of_noise_lie_in_class_folders_of_one_size(tmp_path):
    job = bare_job("noise_images", tmp_path, params={"noise": {"images": 10, "side": 5, "classes": 4, "seed": 1}})
    assert noise_images.run(job) == "10 images of noise in 4 classes"
    files = sorted(path.relative_to(tmp_path / "images").as_posix() for path in tmp_path.rglob("*.png"))
    assert files == sorted(f"class_{number % 4}/{number:05}.png" for number in range(10))
    assert (np.asarray(Image.open(tmp_path / "images/class_3/00007.png")) == noise_images.make(10, 5, 1)[7]).all()
