"""How closely two images agree that lie over each other, and how closely one thing must.

benchmarks/near_duplicates.md has the measurements behind the numbers.
"""

import cv2
import numpy as np

from huskies.near_duplicates import alignment

# Details are what lies between two blurs (standard deviations in pixels, and in sides of the image). Finer is noise.
_FINE, _BROAD = 0.75, 1 / 16
# Standard errors by which the correlation of the details must exceed none at all, so that it is no chance, and the
# correlation that is always enough. Pictures with few details, such as digits, hardly ever have more standard errors.
OF_COPIES, ENOUGH = 10.0, 0.967
# Shots of one object may differ here and there, in front of a background that moves. More is asked of the rest.
OF_SHOTS = 16.0
# Copying leaves differences of so many levels in the details, and a share of their own energy.
_LEFT, _LEFT_SHARE = 7.0, 0.2
# Share of the places with details, twice the energy of what copying leaves, that may differ by more.
DIFFERING = 0.03
# Two places are told apart at this distance (standard deviation of a window, in sides of the image).
_PLACE = 1 / 24
# Brightness of a copy to that of its original, at most.
_GAIN = 1.7
# Levels by which all pixels may differ where there is hardly any detail, as in a sky, and the share of the contrast.
_ALIKE, _ALIKE_SHARE = 4.5, 0.5
# Levels by which they may differ at full size, of at most so many pixels a side: more is another grain.
_GRAIN, GRAIN_SIDE = 5.0, 512
# Small patterns that shots of one object share: so many, within a distance of so many pixels, and of nearly one colour.
PATTERNS, _NEAR, TINT = 40, 4.0, 6.0
# A pattern is like another one only if no third is nearly as like (Lowe 2004).
_RATIO, _CONTRAST = 0.8, 0.02


def required(details: float, standard_errors: float = OF_COPIES) -> float:
    """Return the correlation from which on so many independent details are no chance.

    The standard error is that of Fisher's z, 1 / √details: what little an image shows must agree the more closely.
    """
    return float(min(ENOUGH, np.tanh(standard_errors / np.sqrt(details))))


def of_details(one: np.ndarray, other: np.ndarray, fit: alignment.Fit) -> tuple[float, float]:
    """Return (correlation of the details of two squares, number of independent details).

    one, other: RGB uint8, the other already turned. The correlation is taken over the common pixels and the three
    colours, so that two flowers of one shape and two colours do not agree.
    """
    details = [_common_details(each, fit) for each in (one, alignment.laid_over(other, fit))]
    return _correlation(*details, int(fit.common.sum())), _independent(details[0])


def differing(one: np.ndarray, other: np.ndarray, fit: alignment.Fit) -> float:
    """Return the share of the places with details where two squares differ by more than copying leaves, 0 to 1."""
    one, other = (_common_details(each, fit) for each in (one, alignment.laid_over(other, fit)))
    energy, energy_of_other = (float(np.vdot(each, each)) for each in (one, other))
    gain = np.clip(np.sqrt(energy_of_other / energy), 1 / _GAIN, _GAIN) if energy else 1.0
    one = one * np.float32(gain)
    blur = len(one) * _PLACE
    share = np.maximum(cv2.GaussianBlur(fit.common.astype(np.float32), (0, 0), blur), 0.05)
    left, of_one, of_other = (
        cv2.GaussianBlur((each**2).mean(axis=2), (0, 0), blur) / share for each in (one - other, one, other)
    )
    energy = np.maximum(of_one, of_other)
    with_details = (fit.common > 0) & (energy > 2 * _LEFT**2)
    differs = left > _LEFT**2 + _LEFT_SHARE * energy
    return float(differs[with_details].mean()) if with_details.any() else 0.0


def tint(one: np.ndarray, other: np.ndarray, fit: alignment.Fit) -> float:
    """Return by how many levels the colours of two squares differ, their brightness aside."""
    pair = (one, alignment.laid_over(other, fit))
    colours = [cv2.cvtColor(each, cv2.COLOR_RGB2YCrCb).astype(np.float32)[..., 1:] for each in pair]
    blurred = [cv2.GaussianBlur(each, (0, 0), len(one) / 48) for each in colours]
    squares = ((blurred[0] - blurred[1]) ** 2).sum(axis=2) * fit.common.astype(np.float32)
    return float(np.sqrt(squares.sum() / fit.common.sum(dtype=np.float32)))


def of_all(one: np.ndarray, other: np.ndarray, fit: alignment.Fit) -> float:
    """Return the share of its contrast in which one square agrees with the other, or 0 if it is not all but the whole.

    Here brightness counts, and not details alone: a sky has none.
    """
    blurred = [cv2.GaussianBlur(each.astype(np.float32), (0, 0), 1) for each in (one, alignment.laid_over(other, fit))]
    pixels = cv2.countNonZero(fit.common)
    distance = cv2.norm(*blurred, cv2.NORM_L2, fit.common) / np.sqrt(max(1, 3 * pixels))
    # Most pairs end here, before the contrast is looked at.
    if distance > _ALIKE or not pixels:
        return 0.0
    contrast = float(blurred[0][fit.common > 0].std(axis=0).mean())
    if distance > _ALIKE_SHARE * contrast or not contrast:
        return 0.0
    return float(1 - (distance / contrast) ** 2)


def of_grain(one: np.ndarray, other: np.ndarray, fit: alignment.Fit) -> bool:
    """Tell whether two squares agree pixel by pixel, but for what compression leaves."""
    difference = one.astype(np.float32) - alignment.laid_over(other, fit)
    return bool(np.sqrt((difference[fit.common > 0] ** 2).mean()) <= _GRAIN)


def patterns(one: np.ndarray, other: np.ndarray, fit: alignment.Fit) -> int:
    """Return how many small patterns of one square are found again in the other just where the fit has them."""
    finder = cv2.SIFT_create(contrastThreshold=_CONTRAST)
    found = [finder.detectAndCompute(cv2.cvtColor(each, cv2.COLOR_RGB2GRAY), None) for each in (one, other)]
    if min(len(points) for points, _ in found) < 2:
        return 0
    nearest = cv2.BFMatcher().knnMatch(found[0][1], found[1][1], k=2)
    sure = [best for best, second in nearest if best.distance < _RATIO * second.distance]
    here = np.array([found[0][0][each.queryIdx].pt for each in sure]).reshape(-1, 2)
    there = np.array([found[1][0][each.trainIdx].pt for each in sure]).reshape(-1, 2)
    expected = here @ fit.matrix[:, :2].T + fit.matrix[:, 2]
    return int((np.linalg.norm(expected - there, axis=1) < _NEAR).sum())


def _details(image: np.ndarray) -> np.ndarray:
    """Return what lies between the two blurs, float32, H × W × 3."""
    image = image.astype(np.float32)
    fine, broad = (cv2.GaussianBlur(image, (0, 0), blur) for blur in (_FINE, _BROAD * len(image)))
    return fine - broad


def _common_details(image: np.ndarray, fit: alignment.Fit) -> np.ndarray:
    """Return the details of the pixels that both images of a fit have, and 0 for the others, float32, H × W × 3."""
    return cv2.copyTo(_details(image), fit.common)


def _correlation(one: np.ndarray, other: np.ndarray, pixels: int) -> float:
    """Return the correlation of two arrays, H × W × 3, each colour about its own mean over so many pixels.

    Where the others are, both arrays are 0.
    """
    pair = [each.reshape(-1, 3).astype(np.float64) for each in (one, other)]
    sums = [np.array(cv2.sumElems(each)[:3]) for each in (one, other)]
    products = [
        np.vdot(pair[left], pair[right]) - sums[left] @ sums[right] / pixels for left, right in ((0, 0), (1, 1), (0, 1))
    ]
    spread = np.sqrt(products[0] * products[1])
    return float(products[2] / spread) if spread > 0 else 0.0


def _independent(details: np.ndarray) -> float:
    """Return how many waves the details are made of: the participation ratio of their power spectrum, at least 1."""
    # Colour by colour, which takes half the time of all of them at once.
    waves = np.fft.rfft2(np.stack(cv2.split(details)))
    power = (waves.real**2 + waves.imag**2).sum(axis=0)
    return float(max(1.0, power.sum() ** 2 / (power**2).sum())) if power.any() else 1.0
