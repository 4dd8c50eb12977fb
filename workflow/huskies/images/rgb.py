"""A loaded picture as upright RGB in 8 bits: orientation, transparency, deep pixels."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from PIL import ExifTags, Image

from huskies.errors import UnreadableImage
from huskies.images import profiles

# A picture of each EXIF orientation as it is stored, seen in the same picture upright (arrays, without a copy).
_STORED = {
    2: np.fliplr,
    3: partial(np.rot90, k=2),
    4: np.flipud,
    5: partial(np.swapaxes, axis1=0, axis2=1),
    6: np.rot90,
    7: lambda upright: np.rot90(upright, 2).swapaxes(0, 1),
    8: partial(np.rot90, k=-1),
}
# The brightest value of pixels of 8, 10, 12, 14 and 16 bits, which are stored in 16, in 32 or as floats.
_BRIGHTEST = (255, 1023, 4095, 16383, 65535)
# Resizing leaves floats a little beyond their range.
_BEYOND = 0.05
SCALED = "deeper pixels were scaled to 8 bits by the values they hold"


def upright(picture: Image.Image, notes: list[tuple[str, str]]) -> np.ndarray:
    """Return a loaded picture as RGB, uint8, H × W × 3: upright by EXIF, transparency on white.

    notes: gets (what was done, to which values) where the values had to be guessed at. No more than a band of the
    picture is there a third time.
    """
    width, height = picture.size
    orientation = _orientation(picture)
    turned = np.empty((width, height, 3) if orientation >= 5 else (height, width, 3), np.uint8)
    stored = _STORED.get(orientation, np.asarray)(turned)
    to_rgb = _conversion(picture, notes)
    for top, bottom, band in bands(picture):
        stored[top:bottom] = to_rgb(band)
    return turned


def has_wide_colours(picture: Image.Image) -> bool:
    """Tell of a picture not yet loaded whether its channels have 16 bits, of which Pillow reads the upper eight."""
    return picture.mode in ("RGB", "RGBA", "LA") and any(";16" in str(tile[3]) for tile in picture.tile)


def check_wide_colours(picture: Image.Image) -> None:
    """Raise UnreadableImage where the upper eight of 16 bits hold next to nothing: 8 or 12 bits stored in 16."""
    colours = picture.getextrema()[: 1 if picture.mode == "LA" else 3]
    if max(high for _, high in colours) < 16:
        raise UnreadableImage("16 bits a channel, of which the upper four are not used: save it with 8 bits a channel")


def bands(picture: Image.Image) -> Iterator[tuple[int, int, Image.Image]]:
    """Yield (first row, row after the last, the rows as a picture) of a loaded picture, a few megabytes at a time."""
    width, height = picture.size
    rows = max(1, profiles.BAND // width)
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        yield top, bottom, picture.crop((0, top, width, bottom))


def _orientation(picture: Image.Image) -> int:
    try:
        orientation = picture.getexif().get(ExifTags.Base.Orientation)
    # EXIF that cannot be read turns nothing. (ImageOps.exif_transpose would lose the image for it.)
    except Exception:
        return 1
    return orientation if orientation in _STORED else 1


def _conversion(picture: Image.Image, notes: list[tuple[str, str]]) -> Callable[[Image.Image], np.ndarray]:
    """Return the function from a band of the picture to RGB or to grey, uint8, that fits its mode."""
    if picture.mode[0] in "IF":
        return _from_deep(picture, notes)
    if picture.mode == "CMYK":
        # Four inks become three colours by the profile; without one, by Pillow's simple formula.
        found = profiles.transform(picture.info.get("icc_profile") or b"", ("CMYK",), notes)
        return (lambda band: np.asarray(found.apply(band))) if found else _flattened
    return _flattened


def is_grey(picture: Image.Image) -> bool:
    """Tell whether a picture has no colours by its mode."""
    return picture.mode[0] in "1LIF" and picture.mode != "LAB"


def _flattened(band: Image.Image) -> np.ndarray:
    if band.has_transparency_data:
        band = band.convert("RGBA")
        band = Image.alpha_composite(Image.new("RGBA", band.size, "white"), band)
    return np.asarray(band.convert("RGB"))


def _from_deep(picture: Image.Image, notes: list[tuple[str, str]]) -> Callable[[Image.Image], np.ndarray]:
    """Return the function from a band to grey, as RGB, that shows the values which the picture holds."""
    low, high = _extremes(picture)
    whole = picture.mode != "F"
    black, white = _range(low, high, whole)
    if high > low and (black, white) != (0, _BRIGHTEST[-1] if whole else 1):
        notes.append((SCALED, f"{black:.6g} to {white:.6g}"))
    transparent = picture.info.get("transparency")

    def to_rgb(band: Image.Image) -> np.ndarray:
        values = np.asarray(band)
        if whole and black == 0 and white in _BRIGHTEST:
            grey = (values.astype(np.int64) >> 2 * _BRIGHTEST.index(white)).astype(np.uint8)
        else:
            inside = np.clip(np.nan_to_num(values.astype(np.float64), nan=black), black, white)
            grey = np.round((inside - black) * (255 / ((white - black) or 1))).astype(np.uint8)
        if isinstance(transparent, int):
            grey = np.where(values == transparent, np.uint8(255), grey)
        return np.repeat(grey[..., None], 3, axis=2)

    return to_rgb


def _range(low: float, high: float, whole: bool) -> tuple[float, float]:
    """Return (the value that is black, the value that is white) of pixels from `low` to `high`.

    Whole numbers are of the fewest bits that hold them. Floats are from 0 to 1, or as if of so many bits, if they fill
    a fourth of that. What fits nowhere is stretched from its lowest value, or 0, to its highest.
    """
    for white in _BRIGHTEST if whole else (1, *_BRIGHTEST):
        beyond = 0 if whole else _BEYOND * white
        if -beyond <= low and (whole or high >= white / 4 or high == low == 0) and high <= white + beyond:
            return 0, white
    return (min(low, 0) if high > 0 else low), high


def _extremes(picture: Image.Image) -> tuple[float, float]:
    low, high = np.inf, -np.inf
    for _, _, band in bands(picture):
        values = np.asarray(band)
        values = values[np.isfinite(values)]
        if values.size:
            low, high = min(low, values.min().item()), max(high, values.max().item())
    return (low, high) if low <= high else (0, 0)
