"""Galleries: training images beside their augmented copies, and beside what each transform of the policy makes of them.

Small JPEGs in captioned rows, for a page or a contact sheet. Of data/split, training images alone are opened.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from PIL import Image

from huskies.augmentation import policy
from huskies.augmentation.copies import copy_seed
from huskies.errors import HuskyError
from huskies.images import codec, manifest, naming
from huskies.images.contact_sheet import Picture, Row, fitted

Change = Callable[[np.ndarray, int], np.ndarray]

# Of the thumbnails; they are for looking at, and a page has hundreds.
_QUALITY = 85
# Draws among which the most changed is looked for.
_DRAWS = 32


class Original(NamedTuple):
    """A training image: its class, its path, its pixels (RGB, uint8, H × W × 3), and the sha256 of the raw image."""

    label: str
    file: str
    pixels: np.ndarray
    source_sha256: str

    @property
    def caption(self) -> str:
        """What a row of this image is called: its class, and its name without folders."""
        return f"{self.label}\n{self.file.rpartition('/')[2]}"


def thumbnail(pixels: np.ndarray, side: int) -> bytes:
    """Return RGB uint8 pixels as a JPEG whose longer side has `side` pixels; the aspect is kept."""
    return codec.encode(np.asarray(fitted(Image.fromarray(pixels), side)), _QUALITY)


def choose(rows: pd.DataFrame, per_class: int) -> pd.DataFrame:
    """Return at most `per_class` training rows of each class, by the sha256 of the source, which is as good as a draw.

    rows: the manifest of split.
    """
    rows = rows[rows["split"] == "train"].sort_values(["label", "source_sha256", "file"])
    return rows.groupby("label").head(per_class).reset_index(drop=True)


def originals(split: Path, rows: pd.DataFrame) -> Iterator[Original]:
    """Yield the images of `rows` of the manifest in the folder `split`, opened one by one.

    Raises HuskyError for an image that is not what its manifest lists, and ValueError, before any is opened, if one is
    held out.
    """
    if held_out := sorted(set(rows["split"]) - {"train"}):
        raise ValueError(f"not for looking at: {held_out}")
    for row in rows.itertuples():
        pixels = codec.decode(codec.read_checked(split / row.file, row.sha256))
        yield Original(row.label, row.file, pixels, row.source_sha256)


def with_copies(chosen: Iterable[Original], copies: Path, most: int, side: int) -> list[Row]:
    """Return a row for each original: itself, and at most `most` of its copies in the folder `copies`, data/augment."""
    listed = manifest.read(copies / manifest.NAME)
    sha256_of = dict(zip(listed["file"], listed["sha256"], strict=True))
    rows = []
    for original in chosen:
        row = Row(original.caption, [_untouched(original, side)])
        for number in range(most):
            file = naming.with_copy(original.file, number)
            if file in sha256_of:
                pixels = codec.decode(codec.read_checked(copies / file, sha256_of[file]))
                row.pictures.append(Picture(f"copy {number}", thumbnail(pixels, side)))
        rows.append(row)
    return rows


def whole_policy(
    chosen: Sequence[Original], configured: list[dict[str, Any]], seed: int, most: int, side: int
) -> list[Row]:
    """Return a row for each original: itself, and the first `most` copies that the stage augment makes of it.

    configured: aug.policy. seed: aug.seed. Raises HuskyError where the policy cannot be applied to an image.
    """
    change = policy.build(configured)
    return [
        Row(each.caption, [_untouched(each, side), *_drawn(each, change, seed, "copy", most, side)]) for each in chosen
    ]


def each_transform(
    chosen: Sequence[Original], configured: list[dict[str, Any]], seed: int, most: int, side: int
) -> list[tuple[str, list[Row]]]:
    """Return (name, rows) for each transform of aug.policy alone, with p = 1: `most` draws of each original, by seeds.

    The last row is of the first original, with each argument that is drawn from a range at both ends of it, or with
    the most changed of many draws where the transform has no such argument. A transform that cannot do without those
    before it has a row without pictures, which says why.
    """
    shown = []
    for index, entry in enumerate(configured):
        name = f"aug.policy.{index} {entry['transform']}"
        change = policy.build([{**entry, "p": 1.0}])
        try:
            rows = [
                Row(each.caption, [_untouched(each, side), *_drawn(each, change, seed, "draw", most, side)])
                for each in chosen
            ]
            rows.append(Row("extremes", [_untouched(chosen[0], side), *_extremes(chosen[0], entry, seed, side)]))
        except HuskyError as error:
            rows = [Row(f"not tried alone: {error}", [])]
        shown.append((name, rows))
    return shown


def _untouched(original: Original, side: int) -> Picture:
    return Picture("original", thumbnail(original.pixels, side))


def _drawn(original: Original, change: Change, seed: int, called: str, most: int, side: int) -> list[Picture]:
    seeds = [copy_seed(seed, original.source_sha256, number) for number in range(most)]
    return [
        Picture(f"{called} {number}", thumbnail(change(original.pixels, each), side))
        for number, each in enumerate(seeds)
    ]


def _extremes(original: Original, entry: dict[str, Any], seed: int, side: int) -> list[Picture]:
    first = copy_seed(seed, original.source_sha256, 0)
    ends = policy.extremes(entry)
    if ends:
        return [
            Picture(caption, thumbnail(policy.build([fixed])(original.pixels, first), side)) for caption, fixed in ends
        ]
    change = policy.build([{**entry, "p": 1.0}])
    draws = [change(original.pixels, copy_seed(seed, original.source_sha256, k)) for k in range(_DRAWS)]
    most = max(draws, key=lambda pixels: _distance(original.pixels, pixels))
    return [Picture(f"the most changed of {_DRAWS}", thumbnail(most, side))]


def _distance(one: np.ndarray, other: np.ndarray) -> float:
    """Return the mean difference of two images of any size, as squares of 64 pixels."""
    first, second = (codec.resize(pixels, 64).astype(np.float32) for pixels in (one, other))
    return float(np.abs(first - second).mean())
