"""Lay one image over another as well as it goes: turned, mirrored, zoomed, shifted and slightly stretched."""

import functools
from dataclasses import dataclass

import cv2
import numpy as np

# Parallelism is by pair of images; library threads on top of it would only get in each other's way.
cv2.setNumThreads(0)

TURNS = 8
# Where the search for the best fit starts: on this many pixels, with the middle of one image at these zooms.
_COARSE, _MARGIN, _ZOOMS = 16, 2, (0.85, 1.0, 1.18)
# The search stops at a step that gains less.
_PRECISION = 1e-4
# A fit that stretches an image beyond this, or leaves less of it to compare, shows nothing.
_STRETCH, _OVERLAP = 1.6, 0.35
# How far from an edge a pixel is near it: two, to each side.
_NEAR_AN_EDGE = np.ones((5, 5), np.uint8)


@dataclass(frozen=True)
class Fit:
    """How one image lies over another, both reduced to squares of `side` pixels.

    turn: that of the other image, as `turned` takes it. matrix: float32, 2 × 3, from the one to the turned other.
    """

    turn: int
    matrix: np.ndarray
    side: int

    @functools.cached_property
    def common(self) -> np.ndarray:
        """Which pixels both images have, uint8, 1 or 0; those near an edge are left out."""
        mask = _warp(np.ones((self.side, self.side), np.uint8), self, cv2.INTER_NEAREST, cv2.BORDER_CONSTANT)
        return cv2.erode(mask, _NEAR_AN_EDGE, borderType=cv2.BORDER_CONSTANT, borderValue=0)


def turned(image: np.ndarray, turn: int) -> np.ndarray:
    """Return a square image (H × W, or H × W × 3) turned by 90° `turn` times, mirrored before that from turn 4 on."""
    return np.ascontiguousarray(np.rot90(image[:, ::-1] if turn >= TURNS // 2 else image, turn % 4))


def grey(image: np.ndarray) -> np.ndarray:
    """Return the brightness of an RGB uint8 image as float32, H × W, from 0 to 255."""
    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)


# Which pixels of an image are those of all its turns beside each other, and of the first once more: to look for a piece
# in one such picture is one call instead of eight. What it finds across two turns is not looked at.
_ALL_TURNS = np.concatenate(
    [turned(np.arange(_COARSE**2).reshape(_COARSE, _COARSE), turn % TURNS) for turn in range(TURNS + 1)], axis=1
)


def same_frame(one: np.ndarray, other: np.ndarray) -> Fit:
    """Return the fit that only turns the other of two grey squares, by what leaves the least difference."""
    small = [cv2.resize(each, (_COARSE, _COARSE), interpolation=cv2.INTER_AREA) for each in (one, other)]
    views = small[1].ravel()[_ALL_TURNS].reshape(_COARSE, TURNS + 1, _COARSE)
    differences = np.abs(views - small[0][:, None]).sum(axis=(0, 2))
    return Fit(int(differences[:TURNS].argmin()), np.eye(2, 3, dtype=np.float32), len(one))


def start(one: np.ndarray, other: np.ndarray) -> Fit:
    """Return the fit that a search among turns, zooms and places finds best, for two grey squares of one size."""
    side = len(one)
    one, other = (cv2.resize(each, (_COARSE, _COARSE), interpolation=cv2.INTER_AREA) for each in (one, other))
    middle = one[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN]
    views = other.ravel()[_ALL_TURNS]
    best, turn_of_best, matrix = -np.inf, 0, np.eye(2, 3, dtype=np.float32)
    for zoom in _ZOOMS:
        size = round(len(middle) * zoom)
        piece = cv2.resize(middle, (size, size), interpolation=cv2.INTER_LINEAR)
        places = _COARSE - size + 1
        fits = cv2.matchTemplate(views, piece, cv2.TM_CCOEFF_NORMED)[:, : TURNS * _COARSE]
        fits = fits.reshape(places, TURNS, _COARSE)[..., :places]
        top, turn, left = np.unravel_index(fits.argmax(), fits.shape)
        if fits[top, turn, left] > best:
            best, turn_of_best, scale = fits[top, turn, left], int(turn), size / len(middle)
            shift = (np.array([left, top]) - scale * _MARGIN) * side / _COARSE
            matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]], np.float32)
    return Fit(turn_of_best, matrix, side)


def refine(one: np.ndarray, other: np.ndarray, fit: Fit, steps: int) -> Fit | None:
    """Return the fit after so many steps towards the highest enhanced correlation coefficient of two grey squares.

    other: already turned. The method is that of Evangelidis and Psarakis 2008, cv2.findTransformECC, for affine maps.
    None: one of them has no contrast at all, or the search has run away.
    """
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, steps, _PRECISION)
    try:
        _, matrix = cv2.findTransformECC(one, other, fit.matrix.copy(), cv2.MOTION_AFFINE, criteria, None, 3)
    except cv2.error:
        return None
    found = Fit(fit.turn, matrix, fit.side)
    return found if _plausible(found) else None


def _plausible(fit: Fit) -> bool:
    stretches = cv2.SVDecomp(fit.matrix[:, :2], flags=cv2.SVD_NO_UV)[0]
    return bool(stretches[0] <= _STRETCH and stretches[1] >= 1 / _STRETCH and fit.common.mean() >= _OVERLAP)


def resized(fit: Fit, side: int) -> Fit:
    """Return the same fit for the images reduced to another side. A pixel's middle is half a pixel from its edge."""
    scale = side / fit.side
    linear, shift = fit.matrix[:, :2].astype(np.float64), fit.matrix[:, 2]
    half = np.full(2, 0.5)
    shift = scale * (shift + half - linear @ half) - half + linear @ half
    return Fit(fit.turn, np.column_stack([linear, shift]).astype(np.float32), side)


def laid_over(other: np.ndarray, fit: Fit) -> np.ndarray:
    """Return the other image, already turned, as it lies over the one."""
    return _warp(other, fit, cv2.INTER_LINEAR, cv2.BORDER_REPLICATE)


def _warp(image: np.ndarray, fit: Fit, interpolation: int, border: int) -> np.ndarray:
    flags = interpolation | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(image, fit.matrix, (fit.side, fit.side), flags=flags, borderMode=border)
