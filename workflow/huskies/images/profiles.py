"""Embedded ICC profiles: colours as a viewer shows them, in sRGB, by littlecms."""

import io
from functools import lru_cache

import numpy as np
from PIL import Image, ImageCms

IGNORED = "colours were taken as sRGB, whatever their embedded profile says"
_LARGEST = 4 << 20  # bytes; the profiles of presses have up to 3 million
BAND = 1 << 18  # pixels that are converted at a time
# Profiles that are meant to be sRGB differ by so much from that of littlecms, in steps of 8 bits.
_ROUNDING = 2
# Pillow's mode of what a profile of each colour space describes.
_MODES = {"RGB ": "RGB", "GRAY": "L", "CMYK": "CMYK"}


def to_srgb(pixels: np.ndarray, profile: bytes, kinds: tuple[str, ...], notes: list[tuple[str, str]]) -> np.ndarray:
    """Return RGB pixels, uint8, H × W × 3, with their colours converted from the profile's to sRGB.

    kinds: Pillow's modes of which the profile may be; of "L", all channels of a pixel are alike. notes: gets why a
    profile is not used. The pixels are changed in place where that can be done.
    """
    found = transform(profile, kinds, notes)
    if found is None:
        return pixels
    pixels = pixels if pixels.flags.writeable else pixels.copy()
    rows = max(1, BAND // pixels.shape[1])
    for top in range(0, len(pixels), rows):
        band = pixels[top : top + rows]
        stored = Image.fromarray(np.ascontiguousarray(band[..., 0]) if found.input_mode == "L" else band)
        band[:] = np.asarray(found.apply(stored))
    return pixels


def transform(
    profile: bytes, kinds: tuple[str, ...], notes: list[tuple[str, str]]
) -> ImageCms.ImageCmsTransform | None:
    """Return what converts pictures of one of the modes `kinds` to sRGB; None where nothing is to be done, or can be.

    notes: gets why a profile is not used.
    """
    if not profile:
        return None
    if len(profile) > _LARGEST:
        notes.append((IGNORED, f"it has {len(profile) / 1e6:.1f} MB"))
        return None
    try:
        found = _built(profile)
    # What littlecms raises for damage is of many kinds.
    except Exception:
        notes.append((IGNORED, "it cannot be read"))
        return None
    if found is not None and found.input_mode not in kinds:
        notes.append((IGNORED, f"it is for {found.input_mode} pixels"))
        return None
    return found


@lru_cache(maxsize=4)
def _built(profile: bytes) -> ImageCms.ImageCmsTransform | None:
    """Return the transform from a profile to sRGB, None where it changes next to nothing."""
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    mode = _MODES[source.profile.xcolor_space]
    # By default a curve for grey is drawn through a few points, which are too few where it is dark.
    flags = ImageCms.Flags.NOOPTIMIZE if mode == "L" else ImageCms.Flags.NONE
    made = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB", flags=flags)
    if mode == "RGB":
        steps = np.arange(0, 256, 15, dtype=np.uint8)
        colours = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3)
        shown = np.asarray(made.apply(Image.fromarray(colours)))
        if np.abs(shown.astype(int) - colours).max() <= _ROUNDING:
            return None
    return made
