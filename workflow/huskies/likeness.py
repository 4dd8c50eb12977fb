"""Whether two images are one: laid over each other as well as they fit, then compared detail by detail.

Copies that were resized, recompressed, cropped, brightened, flipped or turned fit, and so do shots of one object in a
burst. Different pictures that look alike as a whole (two photos of one species) differ in their details.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np

from huskies import images
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
_STEPS = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 30, 1e-4)
# A fit that stretches an image beyond this, or leaves less of it to compare, shows nothing.
_STRETCH, _OVERLAP = 1.6, 0.35
# Details are what lies between these two blurs (standard deviations in pixels). Finer is noise and compression.
_FINE, _BROAD = SIDE / 64, SIDE / 16
_PAIRS_A_TASK = 64


def thumbnails(files: Sequence[tuple[Path, str]], cores: int) -> np.ndarray:
    """Return RGB, uint8, N × SIDE × SIDE × 3, for JPEGs given as (path, sha256). Raises HuskyError for other bytes."""
    result = np.zeros((len(files), SIDE, SIDE, 3), np.uint8)

    def read(position: int) -> None:
        result[position] = images.resize(images.decode_jpeg(images.read_checked(*files[position])), SIDE)

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
    three colours, so that two flowers of one shape and two colours do not agree.
    """
    turn, matrix = _start(grey(one), grey(other))
    other = turned(other, turn)
    try:
        _, matrix = cv2.findTransformECC(grey(one), grey(other), matrix, cv2.MOTION_AFFINE, _STEPS, None, 3)
    # Images without any contrast, and searches that run away.
    except cv2.error:
        return 0.0, 1.0
    stretches = np.linalg.svd(matrix[:, :2], compute_uv=False)
    common = _warp(np.ones((SIDE, SIDE), np.uint8), matrix, cv2.INTER_NEAREST, cv2.BORDER_CONSTANT)
    common = cv2.erode(common, np.ones((5, 5)), borderType=cv2.BORDER_CONSTANT, borderValue=0).astype(bool)
    if stretches[0] > _STRETCH or stretches[1] < 1 / _STRETCH or common.mean() < _OVERLAP:
        return 0.0, 1.0
    fitted = _warp(other, matrix, cv2.INTER_LINEAR, cv2.BORDER_REPLICATE)
    details = [_details(one), _details(fitted)]
    return _correlation(*(each[common] for each in details)), _independent(details[0], common)


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
    for results in map_ordered(_compare_few, tasks, cores, "huskies.likeness"):
        yield from results


def _compare_few(pairs: list[tuple[np.ndarray, np.ndarray]]) -> list[tuple[float, float]]:
    return [compare(one, other) for one, other in pairs]


def _start(one: np.ndarray, other: np.ndarray) -> tuple[int, np.ndarray]:
    """Return (the turn of `other`, float32 2 × 3 matrix from `one` to it) that a search on few pixels finds best."""
    one, other = (cv2.resize(each, (_COARSE, _COARSE), interpolation=cv2.INTER_AREA) for each in (one, other))
    middle = one[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN]
    views = [turned(other, turn) for turn in range(TURNS)]
    best, turn_of_best, matrix = -np.inf, 0, np.eye(2, 3, dtype=np.float32)
    for zoom in _ZOOMS:
        side = round(len(middle) * zoom)
        piece = cv2.resize(middle, (side, side), interpolation=cv2.INTER_LINEAR)
        scale = side / len(middle)
        for turn, view in enumerate(views):
            fits = cv2.matchTemplate(view, piece, cv2.TM_CCOEFF_NORMED)
            _, fit, _, corner = cv2.minMaxLoc(fits)
            if fit > best:
                shift = (np.array(corner) - scale * _MARGIN) * SIDE / _COARSE
                best, turn_of_best = fit, turn
                matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]], np.float32)
    return turn_of_best, matrix


def _warp(image: np.ndarray, matrix: np.ndarray, interpolation: int, border: int) -> np.ndarray:
    return cv2.warpAffine(image, matrix, (SIDE, SIDE), flags=interpolation | cv2.WARP_INVERSE_MAP, borderMode=border)


def _details(image: np.ndarray) -> np.ndarray:
    image = image.astype(np.float32)
    return cv2.GaussianBlur(image, (0, 0), _FINE) - cv2.GaussianBlur(image, (0, 0), _BROAD)


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Return the correlation of two N × 3 arrays, each colour about its own mean."""
    one, other = (each.astype(np.float64) - each.mean(axis=0) for each in (one, other))
    spread = np.sqrt((one**2).sum() * (other**2).sum())
    return float((one * other).sum() / spread) if spread > 0 else 0.0


def _independent(details: np.ndarray, common: np.ndarray) -> float:
    """Return how many waves the details are made of: the participation ratio of their power spectrum, at least 1."""
    power = (np.abs(np.fft.rfft2(details * common[..., None], axes=(0, 1))) ** 2).sum(axis=2)
    return float(max(1.0, power.sum() ** 2 / (power**2).sum())) if power.any() else 1.0
