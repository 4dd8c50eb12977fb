"""Sound pictures that Pillow refuses and every viewer shows: a JPEG without its end, a PNG with much text."""

import hashlib

from huskies.images import rgb
from huskies.images.formats import open_picture

_LARGEST = 32 << 20  # bytes of a file that may be there twice
_PNG = b"\x89PNG\r\n\x1a\n"
_TEXT = (b"tEXt", b"zTXt", b"iTXt")
_END = b"\xff\xd9"
# What may follow a JPEG that was cut short: bits that are all 0, and bits that are nearly all 1.
_CONTINUED = (bytes(64), b"\xfe" * 64)


def readable(content: bytes) -> bytes | None:
    """Return the bytes as Pillow reads them, None for what is damaged or of another kind."""
    if len(content) > _LARGEST:
        return None
    if content.startswith(_PNG):
        return _without_text(content)
    if content.startswith(b"\xff\xd8") and _ends_after_its_pixels(content):
        return content + _END
    return None


def _without_text(content: bytes) -> bytes | None:
    """Return a PNG without its texts, None where it has none or they are cut short."""
    kept, start = [_PNG], len(_PNG)
    while start + 12 <= len(content):
        end = start + 12 + int.from_bytes(content[start : start + 4])
        if content[start + 4 : start + 8] not in _TEXT:
            kept.append(content[start:end])
        start = end
    made = b"".join(kept)
    return made if len(made) < len(content) else None


def _ends_after_its_pixels(content: bytes) -> bool:
    """Tell whether a JPEG without its end marker lacks nothing else.

    Then its pixels are the same, whatever follows; the decoder would take that for the bits that are missing. Of
    several scans the last ones could be missing without a trace, so that such a JPEG is not looked into.
    """
    digests = set()
    for more in _CONTINUED:
        with open_picture(content + more + _END) as picture:
            if picture.format not in ("JPEG", "MPO") or picture.info.get("progressive"):
                return False
            picture.load()
            digest = hashlib.sha256()
            for _, _, band in rgb.bands(picture):
                digest.update(band.tobytes())
            digests.add(digest.digest())
    return len(digests) == 1
