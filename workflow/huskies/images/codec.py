"""Pixels in, pixels out: any picture to an RGB array, and arrays to and from JPEG bytes."""

import hashlib
import io
import math
import warnings
from functools import partial
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from huskies.errors import HuskyError, UnreadableImage
from huskies.images.formats import open_picture

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
_BAND = 1 << 18  # pixels that are converted at a time
_LARGE = 1 << 25  # pixels
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


def decode(content: bytes, max_aspect: float = math.inf) -> np.ndarray:
    """Return any picture as RGB, uint8, H × W × 3: first frame, upright by EXIF, transparency on white.

    Deeper pixels are scaled to 8 bits: 16-bit integers by their high byte, floats from [0, 1].
    max_aspect: the longer side may have so many times the pixels of the shorter one.
    Raises UnreadableImage for bytes that are no picture of a format that is read, are cut short, or would take too much
    memory (the defence against decompression bombs).
    """
    if not content:
        raise UnreadableImage("the file is empty")
    try:
        with warnings.catch_warnings():
            # Oddities that Pillow can live with (a large picture, a damaged tag) are no reason to lose an image.
            warnings.simplefilter("ignore")
            with open_picture(content) as picture:
                width, height = picture.size
                if max(width, height) > max_aspect * min(width, height):
                    raise UnreadableImage(
                        f"{width} × {height} pixels: one side has more than {max_aspect:.0f} times those of the other"
                    )
                picture.load()
                return _upright_rgb(picture)
    except UnreadableImage:
        raise
    except UnidentifiedImageError:
        raise UnreadableImage("not a picture of a format that is read") from None
    except MemoryError:
        raise UnreadableImage("too large for the memory of this machine") from None
    # Decoders raise nearly anything on damaged bytes; whatever it is, the image is at fault and not the run.
    except Exception as error:
        raise UnreadableImage(f"damaged: {error}") from None


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


def _upright_rgb(picture: Image.Image) -> np.ndarray:
    """Return a loaded picture as `decode` does; no more than a band of it is there a third time."""
    width, height = picture.size
    orientation = _orientation(picture)
    upright = np.empty((width, height, 3) if orientation >= 5 else (height, width, 3), np.uint8)
    stored = _STORED.get(orientation, np.asarray)(upright)
    rows = max(1, _BAND // width)
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        stored[top:bottom] = np.asarray(_to_rgb(picture.crop((0, top, width, bottom))))
    return upright


def _orientation(picture: Image.Image) -> int:
    try:
        orientation = picture.getexif().get(ExifTags.Base.Orientation)
    # EXIF that cannot be read turns nothing. (ImageOps.exif_transpose would lose the image for it.)
    except Exception:
        return 1
    return orientation if orientation in _STORED else 1


def _to_rgb(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I;16") or picture.mode == "I":
        deep = np.clip(np.asarray(picture).astype(np.int64), 0, 65535)
        return Image.fromarray((deep >> 8).astype(np.uint8)).convert("RGB")
    if picture.mode == "F":
        unit = np.clip(np.nan_to_num(np.asarray(picture)), 0.0, 1.0)
        return Image.fromarray(np.round(unit * 255).astype(np.uint8)).convert("RGB")
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        return Image.alpha_composite(white, picture).convert("RGB")
    return picture.convert("RGB")


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
