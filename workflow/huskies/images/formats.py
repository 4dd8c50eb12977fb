"""The picture formats that are read, and how large a picture may be in memory.

The limits are of this program and not of the machine, so that the same pictures are left out everywhere.
"""

import functools
import io
import math
import re

from PIL import Image, UnidentifiedImageError

from huskies.errors import UnreadableImage
from huskies.images import kinds

# fmt: off
# Those of raw_files.ENDINGS, in Pillow's own order: PNG is APNG too, and JPEG is MPO. Pillow goes by content and not by
# endings, and would hand PostScript to Ghostscript.
_FORMATS = (
    "BMP", "DIB", "GIF", "JPEG", "PPM", "PNG", "AVIF", "PCX", "JPEG2000", "ICNS", "ICO", "TIFF", "PSD", "QOI", "SGI",
    "SUN", "TGA", "WEBP", "XBM", "XPM", "HEIF",
)
# fmt: on
# What one picture may take, its file included, so that the process, and what it keeps of earlier
# ones, stays below 1 GiB.
_MEMORY = 864 << 20
# Bytes a pixel: 4 in Pillow, and 3 for what is made of it. Some decoders hold more at once, as measured with
# transparency, 10 bits a channel and every channel at full resolution.
_ANY = 7
_DECODER = {"AVIF": 20, "HEIF": 16, "JPEG2000": 28, "QOI": 9, "WEBP": 18}
_BANDS = 24 << 20  # bytes for what is converted at a time
_ICON = 4 << 20  # pixels
# The headers of PNG and JPEG 2000 pictures within an icon: width and height.
_WITHIN_ICON = re.compile(rb"(?:\x89PNG\r\n\x1a\n.{4}IHDR|\xff\x4f\xff\x51.{4})(.{4})(.{4})", re.DOTALL)
# Tags of TIFF.
_BITS, _ORIENTATION, _SAMPLES, _ROWS, _TILE = 258, 274, 277, 278, (322, 323)

# Pillow asks this before some formats set memory aside for what their header says; it refuses twice as many.
Image.MAX_IMAGE_PIXELS = (_MEMORY - _BANDS) // _ANY // 2

# Pillow's blocks of 16 MiB come from the heap, of which little goes back to the system while anything above is in use.
Image.core.set_block_size(64 << 20)


@functools.cache
def _register_heif() -> None:
    """Let Pillow read HEIC and HEIF: the picture alone, upright as the file says (EXIF then turns nothing more)."""
    # Snakemake imports this module at every start, and opens nothing.
    import pi_heif

    pi_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False, decode_threads=1)


def open_picture(content: bytes) -> Image.Image:
    """Return the picture, its pixels not yet decoded.

    Raises UnreadableImage if it would take too much memory, and what Pillow raises for bytes that are no picture.
    """
    _register_heif()
    try:
        picture = Image.open(io.BytesIO(content), formats=_FORMATS)
    except Image.DecompressionBombError as error:
        pixels = int(re.search(r"\d+", str(error))[0])
        most = _millions(2 * Image.MAX_IMAGE_PIXELS)
        raise UnreadableImage(f"too large: {_millions(pixels)} megapixels, and {most} are the most") from None
    except UnidentifiedImageError:
        kind = kinds.kind_of(content[: kinds.HEAD])
        if kind and not kind.fix:
            raise UnreadableImage(f"damaged: {kind.name} that cannot be opened") from None
        raise
    pixels, bytes_a_pixel = _demand(picture, content)
    limit = (_MEMORY - _BANDS - len(content)) // bytes_a_pixel
    if picture.format in ("ICNS", "ICO"):
        limit = _ICON
    if pixels > limit:
        raise UnreadableImage(
            f"too large: {_millions(pixels)} megapixels, and {_millions(limit)} are the most "
            f"for a {picture.format} file of {len(content) / 1e6:.1f} MB"
        )
    return picture


def _millions(pixels: int) -> str:
    return f"{pixels / 1e6:.1f}"


def _demand(picture: Image.Image, content: bytes) -> tuple[int, int]:
    """Return (pixels, bytes for each of them) that there must be room for until the picture is a JPEG."""
    pixels = picture.width * picture.height
    if picture.format in ("JPEG", "MPO"):
        return pixels, max(_ANY, 4 + _coefficients(picture, content))
    if picture.format == "TIFF":
        return _demand_of_tiff(picture, pixels)
    if picture.format in ("ICNS", "ICO"):
        # What lies within need not be as large as the icon says.
        within = (int.from_bytes(width) * int.from_bytes(height) for width, height in _WITHIN_ICON.findall(content))
        return max(pixels, *within, 0), _ANY
    return pixels, _DECODER.get(picture.format, _ANY)


def _coefficients(picture: Image.Image, content: bytes) -> int:
    """Return the bytes a pixel that libjpeg keeps of a JPEG of several scans, 0 where there is one."""
    components = len(picture.layer)
    # Pillow has read up to the end of the first scan's header.
    header = content[picture.fp.tell() - 6 - 2 * components :][:3]
    if header == bytes((0, 6 + 2 * components, components)) and not picture.info.get("progressive"):
        return 0
    sampling = [(across, down) for _, across, down, _ in picture.layer]
    finest = max(across for across, _ in sampling) * max(down for _, down in sampling)
    return -(-2 * sum(across * down for across, down in sampling) // max(1, finest))


def _demand_of_tiff(picture: Image.Image, pixels: int) -> tuple[int, int]:
    """Return `_demand` of a TIFF.

    libtiff unpacks a strip or a tile at once, however large it says that is, and has not let go of it when Pillow
    undoes the orientation, into a second picture.
    """
    tags = picture.tag_v2
    pictures = 1 if tags.get(_ORIENTATION, 1) == 1 else 2
    if not picture.use_load_libtiff:
        return pixels, max(_ANY, 4 * pictures)
    bits = tags.get(_BITS, (1,))
    depth = max(4, -(-max(bits) * max(tags.get(_SAMPLES, 1), len(bits)) // 8))
    rows = min(tags.get(_ROWS, picture.height), picture.height)
    piece = math.prod(tags[each] for each in _TILE) if _TILE[0] in tags else rows * picture.width
    largest = max(pixels, piece)
    return largest, max(_ANY, -(-(4 * pictures * pixels + depth * piece) // largest))
