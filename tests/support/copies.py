"""Small real photos, and copies of each kind that must be taken for one with their original."""

from functools import cache

import cv2
import numpy as np
from huskies.images import codec
from sklearn.datasets import load_sample_images

SIDE = 128


@cache
def photos() -> list[np.ndarray]:
    """Return eight windows, RGB, uint8, of the two photos of scikit-learn; none overlap, none is mere sky."""
    china, flower = load_sample_images().images
    windows = [(china, 1, 0), (china, 1, 1), (china, 1, 2), (china, 2, 2)]
    windows += [(china, 2, 1), (flower, 0, 2), (flower, 1, 1), (flower, 1, 2)]
    return [photo[row * SIDE : (row + 1) * SIDE, column * SIDE : (column + 1) * SIDE] for photo, row, column in windows]


def resized(image: np.ndarray) -> np.ndarray:
    return cv2.resize(image, None, fx=0.6, fy=0.5, interpolation=cv2.INTER_AREA)


def recompressed(image: np.ndarray) -> np.ndarray:
    return codec.decode(codec.encode(image, 35))


def cropped(image: np.ndarray) -> np.ndarray:
    height, width = image.shape[:2]
    return image[: round(height * 0.9), round(width * 0.1) :]


def brightened(image: np.ndarray) -> np.ndarray:
    return np.clip(image * 1.2, 0, 255).astype(np.uint8)


def tilted(image: np.ndarray) -> np.ndarray:
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), 7, 1)
    return cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def another_shot(image: np.ndarray) -> np.ndarray:
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), -3, 1.1)
    matrix[:, 2] += (0.04 * width, -0.03 * height)
    moved = cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    noise = np.random.default_rng(0).normal(0, 5, image.shape)
    return np.clip(moved * 0.95 + noise, 0, 255).astype(np.uint8)


KINDS = {
    "resized": resized,
    "recompressed": recompressed,
    "cropped": cropped,
    "brightened": brightened,
    "mirrored": lambda image: image[:, ::-1],
    "upside down": lambda image: image[::-1],
    "turned by 90": np.rot90,
    "turned by 180": lambda image: np.rot90(image, 2),
    "turned by 270": lambda image: np.rot90(image, 3),
    "tilted": tilted,
    "another shot": another_shot,
    "all at once": lambda image: recompressed(np.ascontiguousarray(resized(image[:, ::-1]))),
}


def copy(kind: str, image: np.ndarray) -> np.ndarray:
    """Return a copy of one of KINDS."""
    return np.ascontiguousarray(KINDS[kind](image))
