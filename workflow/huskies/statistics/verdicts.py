"""Did augmentation help? One rule, a paired test, how many images it would take to tell, and the words for it."""

import math

from scipy import stats

from huskies.statistics import intervals

HELPED, HURT, CANNOT_BE_TOLD = "helped", "hurt", "cannot be told"
POWER = 0.8


def in_points(fraction: float) -> float:
    """Return a fraction in points, to the tenth that is shown, and never minus zero."""
    return round(100 * fraction, 1) + 0.0


def verdict(low: float, high: float) -> str:
    """Return HELPED or HURT where the interval of the gain, to the tenth of a point that is shown, excludes 0."""
    if in_points(low) > 0:
        return HELPED
    return HURT if in_points(high) < 0 else CANNOT_BE_TOLD


def exact_mcnemar(won: int, lost: int) -> float:
    """Return the two-sided p-value of the exact McNemar test; 1 where the two heads differ on no image."""
    return float(stats.binomtest(won, won + lost).pvalue) if won + lost else 1.0


def images_to_tell(won: int, lost: int, images: int) -> int | None:
    """Return how many images a McNemar test needs for 80 % power at 5 %, or None where no difference was seen.

    won, lost: how many of the images only the one head, and only the other, gets right. More images are taken to
    show the same proportions (Connor 1987, Biometrics 43: 207-211).
    """
    if won == lost:
        return None
    differ, gain = (won + lost) / images, (won - lost) / images
    level = stats.norm.ppf((1 + intervals.LEVEL) / 2) * differ**0.5
    power = stats.norm.ppf(POWER) * (differ - gain**2) ** 0.5
    return math.ceil((level + power) ** 2 / gain**2)


def what_it_takes(needed: int | None) -> str:
    """Return the sentence on how many images would be needed, to two digits."""
    if needed is None:
        return "No difference was seen, so that it cannot be said how many would be needed."
    step = 10 ** max(math.floor(math.log10(needed)) - 1, 0)
    rounded = f"{math.ceil(needed / step) * step:,}".replace(",", " ")
    return f"About {rounded} would be needed to tell a gain of this size."


def p_text(p_value: float) -> str:
    """Return a p-value as one writes it: "p = 0.031", "p < 0.001"."""
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.3f}"


def effect(gain: float, low: float, high: float) -> str:
    """Return "helped by 4.2 points (0.8 to 7.6)", or likewise "hurt by …", for an interval that excludes 0."""
    sizes = (gain, low, high) if gain > 0 else (-gain, -high, -low)
    size, least, most = map(in_points, sizes)
    return f"{verdict(low, high)} by {size:.1f} points ({least:.1f} to {most:.1f})"


def sentence(gain: float, low: float, high: float, images: int, needed: int | None) -> str:
    """Return the verdict on one split in words: gain and interval as fractions, `needed` from images_to_tell."""
    if verdict(low, high) != CANNOT_BE_TOLD:
        return f"Augmentation {effect(gain, low, high)} on {images} validation images."
    return f"With {images} validation images {undecided(gain, low, high, needed)}"


def undecided(gain: float, low: float, high: float, needed: int | None) -> str:
    """Return what is said of a gain whose interval holds 0, after what was asked; as for `sentence`."""
    return (
        f"it cannot be told whether augmentation helped: the gain of {in_points(gain):+.1f} points lies between "
        f"{in_points(low):+.1f} and {in_points(high):+.1f}. {what_it_takes(needed)}"
    )


def warning(metrics: dict) -> str:
    """Return what must be said before any number where there are leaks, and nothing where there are none."""
    if not metrics["leaks"]:
        return ""
    return f"These numbers are false, for held-out images leaked into the training (leaks: {metrics['leaks']})."


def warned(metrics: dict, said: str) -> str:
    """Return a sentence on the numbers of `metrics`, after the `warning` where there is one."""
    return f"{warning(metrics)} {said}".strip()
