"""The only maker and parser of file names under data/.

An original is `<class>/<split>_<stem>.jpg`, its copy number k is `<class>/<split>_<stem>_<k>.jpg`. Labels and
stems come from users and become names on disk, so whatever a file system could trip over is percent-encoded,
and encoding is reversible for labels.
"""

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath

from huskies.errors import HuskyError

SPLITS = ("train", "val", "test")
_UNSAFE = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|%]')
_LONGEST = 200  # bytes; file systems allow 255, and prefix, copy number and ending come on top
_NOHASH = re.compile(r"_nohash_.*$")


def _encode(text: str) -> str:
    encoded = _UNSAFE.sub(lambda match: f"%{ord(match.group()):02X}", text)
    # A leading dot hides a file, and a trailing dot or blank is lost on some file systems.
    if encoded[:1] in (".", " "):
        encoded = f"%{ord(encoded[0]):02X}{encoded[1:]}"
    if encoded[-1:] in (".", " "):
        encoded = f"{encoded[:-1]}%{ord(encoded[-1]):02X}"
    return encoded


def class_folder(label: str) -> str:
    """Return the folder name for a label. Raises HuskyError for an empty or overlong label."""
    folder = _encode(unicodedata.normalize("NFC", label))
    if not folder:
        raise HuskyError("a label is empty. Give every image a label.")
    if folder.casefold().endswith((".csv", ".json")):
        # Not to be taken for a manifest or a receipt, which lie beside the class folders.
        stem, _, ending = folder.rpartition(".")
        folder = f"{stem}%2E{ending}"
    if len(folder.encode()) > _LONGEST:
        raise HuskyError(f"the label '{label[:40]}…' makes a folder name over {_LONGEST} bytes. Shorten it.")
    return folder


def label_of(folder: str) -> str:
    """Return the label of a class folder: the inverse of `class_folder`."""
    return re.sub(r"%([0-9A-F]{2})", lambda match: chr(int(match.group(1), 16)), folder)


def stems(sources: Sequence[str]) -> list[str]:
    """Return a file stem for each of different raw paths of one class, unique also where letter case does not count.

    A path whose stem is its own keeps it (`a/b.png` → `a_b`). Where several would collide (`x.png`, `X.JPG`),
    each gets the start of the sha256 of its path, so that a name never depends on the order of listing.
    """
    wanted = []
    for source in sources:
        path = PurePosixPath(unicodedata.normalize("NFC", source))
        stem = _encode("_".join(path.with_suffix("").parts))
        if len(stem.encode()) > _LONGEST:
            stem = stem.encode()[: _LONGEST - 20].decode(errors="ignore") + "-" + _path_digest(source)
        wanted.append(stem)
    # A second round is for a file that is itself called like a stem with its digest.
    while len(owners := Counter(stem.casefold() for stem in wanted)) < len(wanted):
        wanted = [
            stem if owners[stem.casefold()] == 1 else f"{stem}-{_path_digest(source)}"
            for stem, source in zip(wanted, sources, strict=True)
        ]
    return wanted


def _path_digest(source: str) -> str:
    return hashlib.sha256(source.encode("utf-8", "surrogateescape")).hexdigest()[:12]


def converted(label: str, stem: str) -> str:
    """Return the path of a converted image below data/convert."""
    return f"{class_folder(label)}/{stem}.jpg"


def with_split(converted_file: str, split: str) -> str:
    """Return the path below data/split of a converted image: its name with the prefix of its split."""
    if split not in SPLITS:
        raise ValueError(f"no such split: {split}")
    folder, name = converted_file.split("/")
    return f"{folder}/{split}_{name}"


def with_copy(split_file: str, copy: int) -> str:
    """Return the path below data/augment of copy number `copy` of an image of data/split."""
    return f"{split_file.removesuffix('.jpg')}_{copy}.jpg"


def parse_original(file: str) -> tuple[str, str, str]:
    """Return (label, split, stem) of a path below data/split. Raises ValueError for any other name."""
    folder, name = file.split("/")
    split, separator, rest = name.partition("_")
    if not separator or split not in SPLITS or not rest.endswith(".jpg"):
        raise ValueError(f"not the name of a split image: {file}")
    return label_of(folder), split, rest.removesuffix(".jpg")


def parse_copy(file: str) -> tuple[str, str, str, int]:
    """Return (label, split, stem, copy) of a path below data/augment. Raises ValueError for any other name."""
    label, split, rest = parse_original(file)
    stem, separator, copy = rest.rpartition("_")
    if not separator or not copy.isascii() or not copy.isdigit():
        raise ValueError(f"not the name of an augmented copy: {file}")
    return label, split, stem, int(copy)


def sibling_key(source: str) -> str | None:
    """Return what `_nohash_` siblings share (TensorFlow's retrain.py ignores all from `_nohash_` on), or None."""
    return _NOHASH.sub("", source) if "_nohash_" in PurePosixPath(source).name else None
