"""Pixels in, pixels out: any picture to an RGB array, and arrays to and from JPEG bytes."""

import hashlib
import io
import math
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from huskies.errors import HuskyError, UnreadableImage
from huskies.images import profiles, rgb, tolerance
from huskies.images.formats import open_picture

_LARGE = 1 << 25  # pixels
_SPARE = 2  # times the pixels asked for that a JPEG is decoded to at least
_LONGEST_JPEG = 65_500  # pixels; what libjpeg allows of the 65 535 of the format


def sha256(content: bytes) -> str:
    """Return the hexadecimal sha256 of the bytes."""
    return hashlib.sha256(content).hexdigest()


def read_checked(path: Path, expected_sha256: str) -> bytes:
    """Return the bytes of an image of a manifest. Raises HuskyError if they are not the manifest's."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        content = b""
    if sha256(content) != expected_sha256:
        folder = path.parent.parent
        raise HuskyError(f"{path} is not the file its manifest lists. Delete {folder} and run the same command again.")
    return content


def decode(
    content: bytes, max_aspect: float = math.inf, max_side: int = 0, notes: list[tuple[str, str]] | None = None
) -> np.ndarray:
    """Return any picture as a viewer shows it: RGB, uint8, H × W × 3, first frame, upright, transparency on white.

    Colours of an embedded profile become sRGB. Deeper pixels are scaled to 8 bits: 16-bit integers by their high byte,
    floats from [0, 1], and others by what they hold.
    max_aspect: the longer side may have so many times the pixels of the shorter one. max_side: the longer side is
    reduced to so many pixels, as by `shrink`; a JPEG while it is decoded. notes: gets (what was done, how) where values
    or colours had to be guessed at.
    Raises UnreadableImage for bytes that are no picture of a format that is read, are cut short, or would take too much
    memory (the defence against decompression bombs).
    """
    if not content:
        raise UnreadableImage("the file is empty")
    found = _Found([] if notes is None else notes)
    try:
        with warnings.catch_warnings():
            # Oddities that Pillow can live with (a large picture, a damaged tag) are no reason to lose an image.
            warnings.simplefilter("ignore")
            # Nested, so that no name holds on to the whole picture while it is reduced.
            pixels = shrink(_pixels(content, max_aspect, max_side, found), max_side)
            return profiles.to_srgb(pixels, found.profile, found.kinds, found.notes)
    except UnreadableImage:
        raise
    except UnidentifiedImageError:
        raise UnreadableImage("not a picture of a format that is read") from None
    except MemoryError:
        raise UnreadableImage("too large for the memory of this machine") from None
    # Decoders raise nearly anything on damaged bytes; whatever it is, the image is at fault and not the run.
    except Exception as error:
        raise UnreadableImage(f"damaged: {error}") from None


@dataclass
class _Found:
    """What a picture has beside its pixels: notes, a colour profile, and the modes that this may be for."""

    notes: list[tuple[str, str]]
    profile: bytes = b""
    kinds: tuple[str, ...] = ("RGB",)


def _pixels(content: bytes, max_aspect: float, max_side: int, found: _Found) -> np.ndarray:
    try:
        return _loaded(content, max_aspect, max_side, found)
    except (UnreadableImage, UnidentifiedImageError, MemoryError):
        raise
    except Exception as error:
        # Its frames hold the picture, as far as it was decoded.
        refusal = error.with_traceback(None)
    readable = tolerance.readable(content)
    if readable is None:
        raise refusal
    return _loaded(readable, max_aspect, max_side, found)


def _loaded(content: bytes, max_aspect: float, max_side: int, found: _Found) -> np.ndarray:
    with open_picture(content) as picture:
        width, height = picture.size
        if max(width, height) > max_aspect * min(width, height):
            raise UnreadableImage(
                f"{width} × {height} pixels: one side has more than {max_aspect:.0f} times those of the other"
            )
        if max_side:
            # By 2, 4 or 8, to no fewer pixels than a good reduction of the rest asks for. Only JPEG has that.
            scale = _SPARE * max_side / max(width, height)
            picture.draft(None, (math.ceil(width * scale), math.ceil(height * scale)))
        wide = rgb.has_wide_colours(picture)
        picture.load()
        if wide:
            rgb.check_wide_colours(picture)
        pixels = rgb.upright(picture, found.notes)
        if picture.mode != "CMYK":
            found.profile = picture.info.get("icc_profile") or b""
        if rgb.is_grey(picture):
            found.kinds = ("L", "RGB")
        return pixels


def decode_jpeg(content: bytes) -> np.ndarray:
    """Return what `encode` has made as RGB, uint8, H × W × 3: the pixels that `decode` gives, by OpenCV.

    Threads decode side by side that way; Pillow holds Python's lock for much of its work. Raises UnreadableImage for
    what is no picture.
    """
    # Snakemake imports this module at every start, and decodes nothing.
    import cv2

    pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR_RGB) if content else None
    if pixels is None:
        raise UnreadableImage("not a JPEG that OpenCV can read")
    return pixels


def shrink(pixels: np.ndarray, max_side: int) -> np.ndarray:
    """Return the image with its longer side reduced to at most `max_side` pixels; never enlarged. 0 keeps it."""
    height, width = pixels.shape[:2]
    scale = max_side / max(height, width)
    if scale >= 1 or not max_side:
        return pixels
    size = max(1, round(width * scale)), max(1, round(height * scale))
    if height * width < _LARGE:
        return np.asarray(_reduced(Image.fromarray(pixels), size))
    # Pillow keeps three images meanwhile, so that it gets one channel of a large one at a time.
    channels = [Image.fromarray(pixels[:, :, number]) for number in range(3)]
    # Where the caller keeps no reference, the whole is not there any more from here on.
    del pixels
    shrunk = np.empty((size[1], size[0], 3), np.uint8)
    for number in range(3):
        shrunk[:, :, number] = np.asarray(_reduced(channels.pop(0), size))
    return shrunk


def _reduced(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    return picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)


def resize(pixels: np.ndarray, side: int, kernel: Image.Resampling = Image.Resampling.BICUBIC) -> np.ndarray:
    """Return the image as side × side × 3, uint8; the aspect is not kept, as in retrain.py."""
    if pixels.shape[:2] == (side, side):
        return pixels
    return np.asarray(Image.fromarray(pixels).resize((side, side), kernel))


def encode(pixels: np.ndarray, quality: int) -> bytes:
    """Return RGB uint8 pixels as JPEG bytes with full colour resolution and no metadata.

    Raises UnreadableImage if a side is longer than a JPEG can be.
    """
    height, width = pixels.shape[:2]
    if max(height, width) > _LONGEST_JPEG:
        raise UnreadableImage(
            f"{width} × {height} pixels, and a JPEG has at most {_LONGEST_JPEG} a side: "
            f"set convert.max_side to at most that"
        )
    picture = Image.fromarray(pixels)
    del pixels  # as in `shrink`
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality, subsampling=0)
    return buffer.getvalue()
