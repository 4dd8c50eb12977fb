"""What a file is by its first bytes, whatever it is called, and what to do about one that is not read."""

import os
from typing import NamedTuple

HEAD = 512  # bytes that tell

_JPEG = "Save it as JPEG or PNG"
_EXPORT = "Export it as JPEG"
_PULL = "Get the picture: git lfs pull"
_UNPACK = "Unpack it into its class folder, and remove it"


class Kind(NamedTuple):
    """What a file is. fix: what makes a picture of it that is read; empty where it is one already."""

    name: str
    fix: str = ""


# Many are TIFF files by their first bytes, of which a thumbnail alone would be read.
# fmt: off
RAW_ENDINGS = frozenset({
    ".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".fff", ".iiq", ".k25", ".kdc", ".mef", ".mos",
    ".mrw", ".nef", ".nrw", ".orf", ".pef", ".raf", ".raw", ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f",
})
_ARCHIVES = frozenset({".7z", ".bz2", ".gz", ".rar", ".tar", ".tgz", ".xz", ".zip", ".zst"})
# fmt: on
_RAW = Kind("a RAW photo of a camera", _EXPORT)
_JPEG_XL = Kind("a JPEG XL picture", _JPEG)
_STARTS = (
    (b"\xff\xd8\xff", Kind("a JPEG")),
    (b"\x89PNG\r\n\x1a\n", Kind("a PNG")),
    (b"GIF87a", Kind("a GIF")),
    (b"GIF89a", Kind("a GIF")),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", Kind("a JPEG 2000")),
    (b"\xff\x4f\xff\x51", Kind("a JPEG 2000")),
    (b"8BPS", Kind("a PSD")),
    (b"qoif", Kind("a QOI")),
    (b"\x00\x00\x00\x0cJXL \r\n\x87\n", _JPEG_XL),
    (b"FUJIFILMCCD-RAW", _RAW),
    (b"II*\x00\x10\x00\x00\x00CR", _RAW),
    (b"IIRO", _RAW),
    (b"IIRS", _RAW),
    (b"IIU\x00", _RAW),
    (b"MMOR", _RAW),
    (b"FOVb", _RAW),
    (b"\x00MRM", _RAW),
    (b"II*\x00", Kind("a TIFF")),
    (b"MM\x00*", Kind("a TIFF")),
    (b"version https://git-lfs", Kind("a pointer of Git LFS", _PULL)),
    (b"Rar!\x1a\x07", Kind("a RAR archive", _UNPACK)),
    (b"7z\xbc\xaf\x27\x1c", Kind("a 7z archive", _UNPACK)),
    (b"PK\x03\x04", Kind("a zip archive", _UNPACK)),
    (b"PK\x05\x06", Kind("a zip archive", _UNPACK)),
    (b"\x1f\x8b", Kind("a gzip archive", _UNPACK)),
    (b"BZh", Kind("a bzip2 archive", _UNPACK)),
    (b"\xfd7zXZ\x00", Kind("an xz archive", _UNPACK)),
)
_BRANDS = {
    **dict.fromkeys((b"avif", b"avis"), Kind("an AVIF")),
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"), Kind("a HEIC")),
    b"crx ": _RAW,
}
# The sizes that the second header of a BMP may have, in bytes.
_BMP_HEADERS = (12, 40, 52, 56, 64, 108, 124)


def kind_of(head: bytes) -> Kind | None:
    """Return what a file is that begins with these bytes, HEAD of them or all; None for what is neither known nor told.

    Formats whose pictures begin like many other files are not among them.
    """
    for start, kind in _STARTS:
        if head.startswith(start):
            return kind
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12], Kind("a video", "Take a picture out of it") if len(head) > 12 else None)
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return Kind("a WebP")
    if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _BMP_HEADERS and not any(head[6:10]):
        return Kind("a BMP")
    if head[257:262] == b"ustar":
        return Kind("a tar archive", _UNPACK)
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype html", b"<html")):
        return Kind("a web page", "Download the picture itself")
    if text.startswith(b"<svg") or (text.startswith(b"<?xml") and b"<svg" in text):
        return Kind("an SVG drawing", _JPEG)
    return None


def ending(name: str) -> str:
    """Return the ending of a name in lower case, with its dot; empty where there is none."""
    return os.path.splitext(name)[1].lower()


def is_picture(name: str, head: bytes) -> bool:
    """Tell whether a file without the ending of a picture is one, read or not, or an archive that may hold some."""
    if is_archive(name):
        return True
    kind = kind_of(head)
    if kind is None or kind.name in ("a video", "a web page"):
        return False
    # Many programs' own files are zips, and a pointer may stand for any file.
    return kind.fix not in (_PULL, _UNPACK) or not ending(name)


def is_archive(name: str) -> bool:
    """Tell by its ending whether a file may hold others."""
    return ending(name) in _ARCHIVES


def why_not_read(name: str, head: bytes) -> str:
    """Return what a file is and what to do about it, for rejected.csv; empty where it may be a picture that is read."""
    kind = kind_of(head)
    if kind and kind.name == "a TIFF" and ending(name) in RAW_ENDINGS:
        kind = _RAW
    if ending(name) == ".jxl" and head[:2] == b"\xff\x0a":
        kind = _JPEG_XL
    return f"{kind.name}: {kind.fix[0].lower()}{kind.fix[1:]}" if kind and kind.fix else ""
