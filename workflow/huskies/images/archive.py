"""A zip of raw images, read member by member: nothing is unpacked, so that no member's name can lead outside."""

import bz2
import copy
import lzma
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from huskies.errors import HuskyError, UnreadableImage
from huskies.images.raw_files import LARGEST_FILE, check_name, is_hidden, is_image, is_table

_DAMAGE = (
    EOFError,
    NotImplementedError,
    OSError,
    OverflowError,
    ValueError,
    lzma.LZMAError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)
# Compressed bytes that are unpacked at once: of LZMA they become at most some 30 MB.
_PIECE = 4096


def open_zip(path: Path) -> tuple[list[str], Callable[[str], bytes]]:
    """Return the names of the files in a zip, sorted, and the way to their bytes, which raises UnreadableImage.

    What wraps all of them is no part of their names. Raises HuskyError if it is no zip or has a name that is no text.
    """
    try:
        archive = zipfile.ZipFile(path)
        infos = archive.infolist()
    except PermissionError as error:
        raise HuskyError(f"cannot read {path}: {error.strerror}. Make it readable.") from None
    except _DAMAGE:
        raise HuskyError(
            f"{path} is neither a folder nor a zip file. Set 'raw' in params.yaml to one of them."
        ) from None
    members = {}
    for info in infos:
        parts = PurePosixPath(info.filename.lstrip("/")).parts
        if parts and not info.is_dir() and not any(map(is_hidden, parts)):
            check_name(path, info.filename)
            members["/".join(parts)] = info
    wrapper = _wrapper([name for name in members if is_image(name) or name.lower().endswith(".csv")])
    members = {name.removeprefix(wrapper): info for name, info in members.items()}

    def read(name: str) -> bytes:
        if members[name].file_size > LARGEST_FILE:
            raise UnreadableImage(f"more than {LARGEST_FILE >> 20} MiB when unpacked")
        try:
            return _unpacked(archive, members[name])
        except _DAMAGE as error:
            raise UnreadableImage(f"damaged inside the zip: {error}") from None
        except RuntimeError:
            raise HuskyError(f"{path} is encrypted. Unpack it and set 'raw' to the folder.") from None

    return sorted(members), read


def _unpacked(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """Return the bytes of a member, of which no more are unpacked than it is said to have."""
    if member.compress_type == zipfile.ZIP_BZIP2:
        return _unpacked_bzip2(archive, member)
    pieces = []
    with archive.open(member) as file:
        while piece := file.read(_PIECE if member.compress_type == zipfile.ZIP_LZMA else 16 * _PIECE):
            pieces.append(piece)
    return b"".join(pieces)


def _unpacked_bzip2(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    # zipfile would unpack all of what it has read, and 40 bytes of bzip2 can hold 46 MB.
    stored = copy.copy(member)
    stored.compress_type, stored.file_size, stored.CRC = zipfile.ZIP_STORED, member.compress_size, None
    content = bz2.BZ2Decompressor().decompress(archive.read(stored), member.file_size + 1)
    if zlib.crc32(content) != member.CRC:
        raise zipfile.BadZipFile(f"Bad CRC-32 for file {member.filename!r}")
    return content


def _wrapper(telling: list[str]) -> str:
    """Return the folder that all images and CSVs of a zip lie in and that is no class, "photos/", or "".

    Most tools wrap what they zip in one folder, and Kaggle in two; a note beside the images decides nothing.
    """
    wrapper = ""
    while len(tops := {name.removeprefix(wrapper).split("/")[0] for name in telling}) == 1:
        deeper = f"{wrapper}{tops.pop()}/"
        inner = [name.removeprefix(deeper) for name in telling if name.startswith(deeper)]
        if len(inner) < len(telling) or not (any(map(is_table, inner)) or all("/" in name for name in inner)):
            break
        wrapper = deeper
    return wrapper
