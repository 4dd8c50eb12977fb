"""noise_images: images of nothing, in classes that mean nothing: what tells them apart was learned by heart.

The article's first experiment: 400 noise images of 28 × 28 pixels in four classes.
"""

import numpy as np
from PIL import Image

from huskies.job import Job


def make(images: int, side: int, seed: int) -> np.ndarray:
    """Return uint8 noise, images × side × side × 3: every channel of every pixel is uniform from 0 to 255."""
    return np.random.default_rng(seed).integers(0, 256, (images, side, side, 3), dtype=np.uint8)


def run(job: Job) -> str:
    """Fill job.output with images/<class>/<number>.png, the classes taking turns; return a line on it."""
    parameters = job.params["noise"]
    for number, pixels in enumerate(make(parameters["images"], parameters["side"], parameters["seed"])):
        folder = job.output / "images" / f"class_{number % parameters['classes']}"
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / f"{number:05}.png")
    return f"{parameters['images']} images of noise in {parameters['classes']} classes"
