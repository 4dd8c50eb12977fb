"""Photos as a phone takes them, for measuring: 12 megapixels, JPEG, made from small ones by enlarging with grain."""

import csv
import functools
import itertools
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import cv2
import numpy as np
from huskies.images import codec

WIDTH, HEIGHT = 4032, 3024
GRAIN = 5  # steps of 8 bits, the standard deviation
SHIFTS = 64  # pixels
QUALITY = 90


def sources(shared: Path) -> Iterator[tuple[str, Path]]:
    """Yield (class, small photo): flowers, then products, then hands, each class of a set in turn."""
    with open(shared / "data/flowers/flower_labels.csv", encoding="utf-8") as file:
        label_of = {row["file"]: row["label"] for row in csv.DictReader(file)}
    for name in ("flowers", "products", "hands"):
        classes: dict[str, list[Path]] = {}
        for path in sorted(
            path for path in (shared / "data" / name).rglob("*") if path.suffix in (".png", ".jpg", ".JPG")
        ):
            label = label_of[path.name] if name == "flowers" else path.parent.name
            classes.setdefault(f"{name} {label}", []).append(path)
        turns = itertools.zip_longest(*classes.values())
        for turn in turns:
            yield from ((label, path) for label, path in zip(classes, turn, strict=True) if path)


@functools.cache
def _grain() -> np.ndarray:
    """Return the grain of all photos, larger than they are, so that each has a part of its own."""
    grain = np.random.default_rng(0).standard_normal((HEIGHT + SHIFTS, WIDTH + SHIFTS, 1), np.float32)
    return np.repeat(np.round(GRAIN * grain).astype(np.int16), 3, axis=2)


def _make(number: int, source: Path, target: Path) -> None:
    if target.exists():
        return
    cv2.setNumThreads(0)
    small = codec.decode(source.read_bytes())
    large = cv2.resize(small, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC).astype(np.int16)
    top, left = np.random.default_rng(number).integers(0, SHIFTS, 2)
    large += _grain()[top : top + HEIGHT, left : left + WIDTH]
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_suffix(".unfinished.jpg")
    sampling = [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420]
    pixels = cv2.cvtColor(np.clip(large, 0, 255).astype(np.uint8), cv2.COLOR_RGB2BGR)
    cv2.imwrite(str(unfinished), pixels, [cv2.IMWRITE_JPEG_QUALITY, QUALITY, *sampling])
    unfinished.rename(target)


def make(shared: Path, folder: Path, count: int, cores: int) -> list[str]:
    """Fill `folder` with `count` photos in class folders, where they are missing; return their paths below it."""
    chosen = list(itertools.islice(sources(shared), count))
    paths = [f"{label}/{number:04}.jpg" for number, (label, _) in enumerate(chosen)]
    with ProcessPoolExecutor(cores) as pool:
        made = [
            pool.submit(_make, number, source, folder / path)
            for number, ((_, source), path) in enumerate(zip(chosen, paths, strict=True))
        ]
        for each in made:
            each.result()
    return paths
