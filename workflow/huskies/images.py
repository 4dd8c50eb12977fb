"""Pixels in, pixels out: any picture that Pillow reads to an RGB array, and arrays to and from JPEG bytes."""

import hashlib
import io
import warnings
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from huskies.errors import HuskyError, UnreadableImage

# What undoes each EXIF orientation.
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


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


def decode(content: bytes) -> np.ndarray:
    """Return any picture as RGB, uint8, H × W × 3: first frame, upright by EXIF, transparency on white.

    Deeper pixels are scaled to 8 bits: 16-bit integers by their high byte, floats from [0, 1].
    Raises UnreadableImage for bytes that are no picture, are cut short, or exceed Pillow's limit on pixels
    (twice Image.MAX_IMAGE_PIXELS, its defence against decompression bombs).
    """
    if not content:
        raise UnreadableImage("the file is empty")
    try:
        with warnings.catch_warnings():
            # Oddities that Pillow can live with (a large picture, a damaged tag) are no reason to lose an image.
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(content)) as picture:
                picture.load()
                return np.asarray(_to_rgb(_upright(picture)))
    except UnidentifiedImageError:
        raise UnreadableImage("not a picture that Pillow can read") from None
    except Image.DecompressionBombError:
        limit = 2 * Image.MAX_IMAGE_PIXELS // 10**6
        raise UnreadableImage(f"more than {limit} megapixels: refused as a decompression bomb") from None
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


def _upright(picture: Image.Image) -> Image.Image:
    try:
        orientation = picture.getexif().get(ExifTags.Base.Orientation)
    # EXIF that cannot be read turns nothing. (ImageOps.exif_transpose would lose the image for it.)
    except Exception:
        return picture
    return picture.transpose(_UPRIGHT[orientation]) if orientation in _UPRIGHT else picture


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
    """Return the image with its longer side reduced to at most `max_side` pixels; never enlarged."""
    height, width = pixels.shape[:2]
    scale = max_side / max(height, width)
    if scale >= 1:
        return pixels
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0))


def resize(pixels: np.ndarray, side: int, kernel: Image.Resampling = Image.Resampling.BICUBIC) -> np.ndarray:
    """Return the image as side × side × 3, uint8; the aspect is not kept, as in retrain.py."""
    if pixels.shape[:2] == (side, side):
        return pixels
    return np.asarray(Image.fromarray(pixels).resize((side, side), kernel))


def encode(pixels: np.ndarray, quality: int) -> bytes:
    """Return RGB uint8 pixels as JPEG bytes with full colour resolution and no metadata."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality, subsampling=0)
    return buffer.getvalue()
