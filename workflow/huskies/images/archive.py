"""A zip of raw images, read member by member: nothing is unpacked, so that no member's name can lead outside."""

import bz2
import copy
import lzma
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from huskies.errors import HuskyError, UnreadableImage
from huskies.images import kinds
from huskies.images.raw_files import LARGEST_FILE, check_name, is_hidden

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
_READ = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
# What else names are packed by, as the numbers stand in zip files.
_NOT_READ = {9: "Deflate64", 93: "Zstandard", 95: "XZ", 98: "PPMd", 99: "AES encryption"}
# Of a member's flags: its name is UTF-8.
_UTF8 = 0x800


@dataclass(frozen=True)
class Archive:
    """The files of a zip, sorted by their paths in it, its folders, and the way to the files' bytes.

    read raises UnreadableImage; head returns the first bytes of a file, or none.
    """

    names: list[str]
    folders: list[str]
    read: Callable[[str], bytes]
    head: Callable[[str], bytes]


def open_zip(path: Path) -> Archive:
    """Return what a zip holds. Raises HuskyError if it is none, cannot be unpacked or has a name that is no text."""
    try:
        archive = zipfile.ZipFile(path)
        infos = archive.infolist()
    except PermissionError as error:
        raise HuskyError(f"cannot read {path}: {error.strerror}. Make it readable.") from None
    except _DAMAGE:
        raise HuskyError(_no_zip(path)) from None
    members, folders = _members(path, infos)
    packed_by = sorted({info.compress_type for info in members.values()} - set(_READ))
    if packed_by:
        method = _NOT_READ.get(packed_by[0], f"method {packed_by[0]}")
        raise HuskyError(
            f"{path} is packed by {method}, which cannot be read here. Unpack it with the program that made it, "
            "and set 'raw' in params.yaml to the folder."
        )

    def read(name: str) -> bytes:
        if members[name].file_size > LARGEST_FILE:
            raise UnreadableImage(f"more than {LARGEST_FILE >> 20} MiB when unpacked")
        try:
            return _unpacked(archive, members[name])
        except _DAMAGE as error:
            raise UnreadableImage(f"damaged inside the zip: {error}") from None
        except RuntimeError:
            raise HuskyError(f"{path} is encrypted. Unpack it and set 'raw' to the folder.") from None

    def head(name: str) -> bytes:
        try:
            with archive.open(members[name]) as file:
                return file.read(kinds.HEAD)
        except (*_DAMAGE, RuntimeError):
            return b""

    return Archive(sorted(members), sorted(folders), read, head)


def _no_zip(path: Path) -> str:
    with open(path, "rb") as file:
        kind = kinds.kind_of(file.read(kinds.HEAD))
    if kind and kind.name == "a zip archive":
        return f"{path} is a zip file that is damaged or cut short, as by half a download. Download or copy it again."
    if kind and kind.name.endswith("archive"):
        return f"{path} is {kind.name}. Unpack it, and set 'raw' in params.yaml to the folder."
    return f"{path} is neither a folder nor a zip file. Set 'raw' in params.yaml to one of them."


def _members(path: Path, infos: Iterable[zipfile.ZipInfo]) -> tuple[dict[str, zipfile.ZipInfo], set[str]]:
    """Return the files of a zip by path, and the paths of its folders, without what is passed over."""
    members, folders = {}, set()
    for info in infos:
        name = _name(info)
        parts = PurePosixPath(name.lstrip("/")).parts
        if not parts or any(map(is_hidden, parts)):
            continue
        check_name(path, name)
        folders.update("/".join(parts[:depth]) for depth in range(1, len(parts)))
        if name.endswith("/"):
            folders.add("/".join(parts))
        else:
            members["/".join(parts)] = info
    return members, folders


def _name(info: zipfile.ZipInfo) -> str:
    """Return a member's path as it was meant: zip and Finder write UTF-8 and do not say so, and some write backslashes.

    What is no UTF-8 by chance is what such a zip should have: text of the first IBM PC.
    """
    name = info.filename
    if not info.flag_bits & _UTF8:
        try:
            name = name.encode("cp437").decode("utf-8")
        except UnicodeError:
            name = info.filename
    # Windows allows no name with a backslash.
    return name.replace("\\", "/") if info.create_system == 0 or "/" not in name else name


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
