"""Whether two images are one: laid over each other as well as they fit, then compared detail by detail.

Copies that were resized, recompressed, cropped, brightened, flipped or turned fit, and so do shots of one object in a
burst. Different pictures that look alike as a whole (two photos of one species) differ in their details.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np

from huskies.images import codec
from huskies.parallel import map_ordered
from huskies.progress import bar

# Parallelism is by pair of images; library threads on top of it would only get in each other's way.
cv2.setNumThreads(0)

# All that is looked at of an image: SIDE × SIDE pixels, the aspect not kept, so that a squeezed copy fits too.
SIDE = 48
TURNS = 8

# benchmarks/near_duplicates.md has the measurements behind these two.
# Standard errors by which the correlation of the details must exceed none at all.
STANDARD_ERRORS = 12.0
# Correlation that is always enough. Pictures with few details, such as digits, hardly ever have more standard errors.
ENOUGH = 0.967

# Where the search for the best fit starts: on this many pixels, with the middle of one image at these zooms.
_COARSE, _MARGIN, _ZOOMS = 16, 2, (0.85, 1.0, 1.18)
# Steps of the search: at first, and then where that is not hopeless. One that gains less than _PRECISION is the last.
_STEPS, _PRECISION = (6, 24), 1e-4
# A fit that stretches an image beyond this, or leaves less of it to compare, shows nothing.
_STRETCH, _OVERLAP = 1.6, 0.35
# Details are what lies between these two blurs (standard deviations in pixels). Finer is noise and compression.
_FINE, _BROAD = SIDE / 64, SIDE / 16
_PAIRS_A_TASK = 64


def thumbnails(files: Sequence[tuple[Path, str]], cores: int) -> np.ndarray:
    """Return RGB, uint8, N × SIDE × SIDE × 3, for JPEGs given as (path, sha256). Raises HuskyError for other bytes."""
    result = np.zeros((len(files), SIDE, SIDE, 3), np.uint8)

    def read(position: int) -> None:
        result[position] = codec.resize(codec.decode_jpeg(codec.read_checked(*files[position])), SIDE)

    with ThreadPoolExecutor(cores) as pool:
        for _ in bar(pool.map(read, range(len(files))), len(files), "thumbnails"):
            pass
    return result


def turned(image: np.ndarray, turn: int) -> np.ndarray:
    """Return a square image (H × W, or H × W × 3) turned by 90° `turn` times, mirrored before that from turn 4 on."""
    return np.ascontiguousarray(np.rot90(image[:, ::-1] if turn >= TURNS // 2 else image, turn % 4))


def grey(thumbnail: np.ndarray) -> np.ndarray:
    """Return the brightness of an RGB uint8 image as float32, H × W, from 0 to 255."""
    return cv2.cvtColor(thumbnail, cv2.COLOR_RGB2GRAY).astype(np.float32)


def compare(one: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """Return (correlation of the details of two thumbnails, number of independent details); (0, 1) if nothing fits.

    The better of eight turns and mirrorings is refined to an affine map by the enhanced correlation coefficient
    (Evangelidis and Psarakis 2008, cv2.findTransformECC). The correlation is taken over the common pixels and the
    three colours, so that two flowers of one shape and two colours do not agree. Where it is far from what `required`
    asks after the first steps, the rest are not taken, and it is what those have reached.
    """
    grey_one, grey_other = grey(one), grey(other)
    turn, matrix = _start(grey_one, grey_other)
    other, grey_other = turned(other, turn), turned(grey_other, turn)
    for steps in _STEPS:
        criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, steps, _PRECISION)
        try:
            _, matrix = cv2.findTransformECC(grey_one, grey_other, matrix, cv2.MOTION_AFFINE, criteria, None, 3)
        # Images without any contrast, and searches that run away.
        except cv2.error:
            return 0.0, 1.0
        correlation, details = _agreement(one, other, matrix)
        # What the first steps leave unfitted may cost as much again as `required` allows. That ends 99 in 100 searches,
        # and no copy of benchmarks/near_duplicates.md is lost by it.
        if correlation < required(details) ** 2:
            break
    return correlation, details


def required(details: float) -> float:
    """Return the correlation from which on two images with so many independent details are near-duplicates.

    The standard error is that of Fisher's z, 1 / √details: what little an image shows must agree the more closely.
    """
    return float(min(ENOUGH, np.tanh(STANDARD_ERRORS / np.sqrt(details))))


def compare_all(thumbs: np.ndarray, pairs: Sequence[tuple[int, int]], cores: int) -> Iterator[tuple[float, float]]:
    """Yield `compare` of each pair of rows of `thumbs`, in order, on `cores` processes."""
    tasks = (
        [(thumbs[one], thumbs[other]) for one, other in pairs[start : start + _PAIRS_A_TASK]]
        for start in range(0, len(pairs), _PAIRS_A_TASK)
    )
    for results in map_ordered(_compare_few, tasks, cores, __name__):
        yield from results


def _compare_few(pairs: list[tuple[np.ndarray, np.ndarray]]) -> list[tuple[float, float]]:
    return [compare(one, other) for one, other in pairs]


# Which pixels of an image are those of all its turns beside each other, and of the first once more: to look for a piece
# in one such picture is one call instead of eight. What it finds across two turns is not looked at.
_ALL_TURNS = np.concatenate(
    [turned(np.arange(_COARSE**2).reshape(_COARSE, _COARSE), turn % TURNS) for turn in range(TURNS + 1)], axis=1
)


def _start(one: np.ndarray, other: np.ndarray) -> tuple[int, np.ndarray]:
    """Return (the turn of `other`, float32 2 × 3 matrix from `one` to it) that a search on few pixels finds best."""
    one, other = (cv2.resize(each, (_COARSE, _COARSE), interpolation=cv2.INTER_AREA) for each in (one, other))
    middle = one[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN]
    views = other.ravel()[_ALL_TURNS]
    best, turn_of_best, matrix = -np.inf, 0, np.eye(2, 3, dtype=np.float32)
    for zoom in _ZOOMS:
        side = round(len(middle) * zoom)
        piece = cv2.resize(middle, (side, side), interpolation=cv2.INTER_LINEAR)
        places = _COARSE - side + 1
        fits = cv2.matchTemplate(views, piece, cv2.TM_CCOEFF_NORMED)[:, : TURNS * _COARSE]
        fits = fits.reshape(places, TURNS, _COARSE)[..., :places]
        top, turn, left = np.unravel_index(fits.argmax(), fits.shape)
        if fits[top, turn, left] > best:
            best, turn_of_best, scale = fits[top, turn, left], int(turn), side / len(middle)
            shift = (np.array([left, top]) - scale * _MARGIN) * SIDE / _COARSE
            matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]], np.float32)
    return turn_of_best, matrix


def _agreement(one: np.ndarray, other: np.ndarray, matrix: np.ndarray) -> tuple[float, float]:
    """Return what `compare` does, for a matrix from `one` to `other`."""
    stretches = cv2.SVDecomp(matrix[:, :2], flags=cv2.SVD_NO_UV)[0]
    common = _warp(np.ones((SIDE, SIDE), np.uint8), matrix, cv2.INTER_NEAREST, cv2.BORDER_CONSTANT)
    common = cv2.erode(common, np.ones((5, 5)), borderType=cv2.BORDER_CONSTANT, borderValue=0)
    if stretches[0] > _STRETCH or stretches[1] < 1 / _STRETCH or common.mean() < _OVERLAP:
        return 0.0, 1.0
    fitted = _warp(other, matrix, cv2.INTER_LINEAR, cv2.BORDER_REPLICATE)
    common = common.astype(np.float32)
    details = [_details(each) * common for each in (one, fitted)]
    return _correlation(*details, common), _independent(details[0])


def _warp(image: np.ndarray, matrix: np.ndarray, interpolation: int, border: int) -> np.ndarray:
    return cv2.warpAffine(image, matrix, (SIDE, SIDE), flags=interpolation | cv2.WARP_INVERSE_MAP, borderMode=border)


def _details(image: np.ndarray) -> np.ndarray:
    """Return what lies between the two blurs, float32, colours first: 3 × SIDE × SIDE."""
    image = image.astype(np.float32)
    details = cv2.GaussianBlur(image, (0, 0), _FINE) - cv2.GaussianBlur(image, (0, 0), _BROAD)
    return np.ascontiguousarray(details.transpose(2, 0, 1))


def _correlation(one: np.ndarray, other: np.ndarray, common: np.ndarray) -> float:
    """Return the correlation of two arrays, 3 × SIDE × SIDE, 0 where `common` is, each colour about its own mean."""
    one, other = (each.reshape(len(each), -1).astype(np.float64) for each in (one, other))
    pairs = ((one, one), (other, other), (one, other))
    squares = [np.vdot(left, right) - left.sum(axis=1) @ right.sum(axis=1) / common.sum() for left, right in pairs]
    spread = np.sqrt(squares[0] * squares[1])
    return float(squares[2] / spread) if spread > 0 else 0.0


def _independent(details: np.ndarray) -> float:
    """Return how many waves the details are made of: the participation ratio of their power spectrum, at least 1."""
    waves = np.fft.rfft2(details)
    power = (waves.real**2 + waves.imag**2).sum(axis=0)
    return float(max(1.0, power.sum() ** 2 / (power**2).sum())) if power.any() else 1.0
