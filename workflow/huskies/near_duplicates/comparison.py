"""Whether two images are one: laid over each other as well as they fit, then compared wherever they have details.

Copies that were resized, recompressed, cropped, brightened, flipped or turned agree everywhere, but for what copying
leaves. Different pictures that look alike, such as two hands with one gesture before one wall, agree in their outline
alone. Shots of one object in a burst have a moving background; they are known by the many small patterns they share.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from huskies.images import codec
from huskies.near_duplicates import agreement, alignment
from huskies.parallel import map_ordered
from huskies.progress import bar

# What is looked at first of an image: SIDE × SIDE pixels, the aspect not kept, so that a squeezed copy fits too.
SIDE = 48
# Pairs that might be one are looked at again on so many pixels a side, and for small patterns on so many.
_CLOSE, _PATTERNS = 96, 192
# Steps of the search: at first, and then where that is not hopeless; again where the images are looked at closely.
_STEPS, _CLOSE_STEPS = (6, 24), 30
_PAIRS_A_TASK = 64

# An image of a manifest: where it lies, and its sha256.
File = tuple[Path, str]


def thumbnails(files: Sequence[File], cores: int) -> np.ndarray:
    """Return RGB, uint8, N × SIDE × SIDE × 3, for JPEGs. Raises HuskyError for other bytes."""
    result = np.zeros((len(files), SIDE, SIDE, 3), np.uint8)

    def read(position: int) -> None:
        result[position] = codec.resize(_pixels(files[position]), SIDE)

    with ThreadPoolExecutor(cores) as pool:
        for _ in bar(pool.map(read, range(len(files))), len(files), "thumbnails"):
            pass
    return result


def _pixels(file: File) -> np.ndarray:
    return codec.decode_jpeg(codec.read_checked(*file))


def compare_all(
    files: Sequence[File], thumbs: np.ndarray, pairs: Sequence[tuple[int, int]], cores: int
) -> Iterator[float]:
    """Yield the `similarity` of each pair of files, in order, on `cores` processes; 0 where the two are not one.

    thumbs: the `thumbnails` of the files. Only files whose thumbnails fit are read.
    """
    tasks = (
        [(thumbs[one], thumbs[other], files[one], files[other]) for one, other in pairs[start : start + _PAIRS_A_TASK]]
        for start in range(0, len(pairs), _PAIRS_A_TASK)
    )
    for results in map_ordered(_compare_few, tasks, cores, __name__):
        yield from results


def _compare_few(pairs: list[tuple[np.ndarray, np.ndarray, File, File]]) -> list[float]:
    found = []
    for one, other, file, other_file in pairs:
        fit = first_fit(one, other)
        found.append(similarity(_pixels(file), _pixels(other_file), fit) if fit else 0.0)
    return found


def first_fit(one: np.ndarray, other: np.ndarray) -> alignment.Fit | None:
    """Return how the other thumbnail lies over the one, or None where that shows that they are not one.

    What fits without being moved needs no search, which pictures without details would lead astray. Otherwise the best
    of eight turns and mirrorings is refined. Where the agreement is far from what is asked for after the first steps,
    the rest are not taken.
    """
    grey, grey_other = alignment.grey(one), alignment.grey(other)
    fit = alignment.same_frame(grey, grey_other)
    if agreement.of_all(one, alignment.turned(other, fit.turn), fit):
        return fit
    fit = alignment.start(grey, grey_other)
    other, grey_other = alignment.turned(other, fit.turn), alignment.turned(grey_other, fit.turn)
    for number, steps in enumerate(_STEPS):
        fit = alignment.refine(grey, grey_other, fit, steps)
        if fit is None:
            return None
        correlation, details = agreement.of_details(one, other, fit)
        # What the first steps leave unfitted may cost as much again as is allowed.
        if correlation < agreement.required(details) ** (2 - number):
            return None
    return fit


def similarity(one: np.ndarray, other: np.ndarray, fit: alignment.Fit) -> float:
    """Return how closely two images agree where they are one, up to 1, and 0 where they are not.

    one, other: RGB uint8, of any size. fit: how their thumbnails lie.
    """
    close, close_other = (_square(each, fit.turn * number, _CLOSE) for number, each in enumerate((one, other)))
    first = alignment.resized(fit, _CLOSE)
    refined = alignment.refine(alignment.grey(close), alignment.grey(close_other), first, _CLOSE_STEPS)
    # The search may lead pictures without details astray.
    fits = [each for each in (refined, first) if each]
    return next(filter(None, (_similarity(one, other, close, close_other, each) for each in fits)), 0.0)


def _similarity(
    one: np.ndarray, other: np.ndarray, close: np.ndarray, close_other: np.ndarray, fit: alignment.Fit
) -> float:
    correlation, details = agreement.of_details(close, close_other, fit)
    no_chance = correlation >= agreement.required(details)
    share = 0.0 if no_chance else agreement.of_all(close, close_other, fit)
    if not no_chance and not share:
        return 0.0
    if agreement.differing(close, close_other, fit) <= agreement.DIFFERING:
        return correlation if no_chance else share if _same_grain(one, other, fit) else 0.0
    shots = correlation >= agreement.required(details, agreement.OF_SHOTS)
    if shots and agreement.tint(close, close_other, fit) <= agreement.TINT:
        squares = (_square(each, fit.turn * number, _PATTERNS) for number, each in enumerate((one, other)))
        if agreement.patterns(*squares, alignment.resized(fit, _PATTERNS)) >= agreement.PATTERNS:
            return correlation
    return 0.0


def _square(image: np.ndarray, turn: int, side: int) -> np.ndarray:
    return alignment.turned(codec.resize(image, side), turn)


def _same_grain(one: np.ndarray, other: np.ndarray, fit: alignment.Fit) -> bool:
    """Tell whether two images agree in what is too small for `_CLOSE` pixels, as two pieces of cloth do not."""
    side = min(*one.shape[:2], *other.shape[:2], agreement.GRAIN_SIDE)
    squares = (_square(each, fit.turn * number, side) for number, each in enumerate((one, other)))
    return agreement.of_grain(*squares, alignment.resized(fit, side))
