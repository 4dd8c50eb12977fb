"""The files of a raw folder: what is one, what its name may be, and its bytes; nothing else is ever opened."""

import errno
import hashlib
import json
import os
import shlex
import stat
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path

from huskies import digests
from huskies.errors import HuskyError, UnreadableImage
from huskies.images import kinds

# fmt: off
ENDINGS = frozenset({
    ".apng", ".avif", ".bmp", ".dib", ".gif", ".heic", ".heics", ".heif", ".heifs", ".hif", ".icns", ".ico", ".j2k",
    ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg", ".mpo", ".pbm", ".pcx", ".pgm", ".png", ".pnm", ".ppm", ".psd", ".qoi",
    ".ras", ".sgi", ".tga", ".tif", ".tiff", ".webp", ".xbm", ".xpm",
})
# Those of pictures that are not read, each of which is listed as rejected.
_NOT_READ = kinds.RAW_ENDINGS | {".jxl"}
LARGEST_FILE = 256 << 20  # bytes
# What operating systems, cameras' programs and network drives leave behind, in lower case.
_JUNK = frozenset({
    "#recycle", "#snapshot", "$recycle.bin", "@eadir", "@recycle", "@recently-snapshot", "@tmp", "__macosx",
    "desktop.ini", "ehthumbs.db", "icon\r", "lost+found", "network trash folder", "recycler",
    "system volume information", "temporary items", "thumbs.db",
})
# fmt: on
_NO_FILES = {
    stat.S_ISFIFO: "a named pipe",
    stat.S_ISSOCK: "a socket",
    stat.S_ISCHR: "a device",
    stat.S_ISBLK: "a device",
}
# What the workflow writes itself, besides data/<stage>.
_OWN = (
    *(
        "data/article_rows",
        "data/experiment_stages",
        "data/noise",
        "data/shards",
        "data/sweep_flows",
        "data/tensorboard",
    ),
    *("logs", ".snakemake", ".dvc", ".git"),
)


def files(raw: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Yield (path below raw, stat) of every file, in the order of the paths' parts.

    Hidden files and what operating systems leave behind are passed over. Raises HuskyError for what is neither file nor
    folder, hidden or not, since whoever opens it (as DVC does) may wait for ever; for a link to a folder, of which DVC
    records no file; and for a folder that cannot be read.
    """

    def walk(folder: str, prefix: str) -> Iterator[tuple[str, os.stat_result]]:
        for entry in _entries(folder):
            found = status(entry.path)
            if is_hidden(entry.name):
                _look_through(entry.path)
                continue
            check_name(folder, entry.name)
            if not stat.S_ISDIR(found.st_mode):
                yield f"{prefix}{entry.name}", found
            elif entry.is_symlink():
                link, target = shlex.quote(entry.path), shlex.quote(os.path.realpath(entry.path))
                raise HuskyError(
                    f"{entry.path} is a link to a folder, and DVC would record none of its files. Put the folder "
                    f"itself there: rm {link} && cp -r {target} {link}"
                )
            else:
                yield from walk(entry.path, f"{prefix}{entry.name}/")

    yield from walk(str(raw), "")


def folders(place: Path) -> list[str]:
    """Return the names of the folders in a folder, sorted, without those that are passed over."""
    return [entry.name for entry in _entries(str(place)) if entry.is_dir() and not is_hidden(entry.name)]


def _look_through(folder: str) -> None:
    """Raise HuskyError for what is neither file nor folder, at any depth of a folder that is passed over."""
    for top, folders, names in os.walk(folder):
        for name in (*folders, *names):
            status(os.path.join(top, name))


def _entries(folder: str) -> list[os.DirEntry]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda each: each.name)
    except OSError as error:
        raise HuskyError(f"cannot read {folder}: {error.strerror}. Make it readable, or remove it.") from None


def status(path: str | Path) -> os.stat_result:
    """Return the stat of a file or a folder, or of a link whose target is gone, which convert lists as unreadable.

    Raises HuskyError for anything else.
    """
    try:
        found = os.stat(path)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise HuskyError(f"{path} is a link that leads back to itself. Remove it.") from None
        if not os.path.islink(path):
            raise HuskyError(f"cannot read {path}: {error.strerror}. Make it readable, or remove it.") from None
        return os.lstat(path)
    for is_of_kind, kind in _NO_FILES.items():
        if is_of_kind(found.st_mode):
            raise HuskyError(f"{path} is {kind}, and no file. Remove it.")
    return found


def read_file(path: Path) -> bytes:
    """Return the bytes of a regular file. Raises UnreadableImage for anything else, and if it exceeds LARGEST_FILE."""
    # What has taken the file's place since it was listed must not be waited for.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with open(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise UnreadableImage("cannot be read: it is no file")
        content = b"" if found.st_size > LARGEST_FILE else file.read(LARGEST_FILE + 1)
    if max(found.st_size, len(content)) > LARGEST_FILE:
        raise UnreadableImage(f"more than {LARGEST_FILE >> 20} MiB")
    return content


def read_head(path: Path, size: int) -> bytes:
    """Return the first `size` bytes of a regular file; none of anything else, and of what cannot be read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return b""
    with open(descriptor, "rb") as file:
        return file.read(size) if stat.S_ISREG(os.fstat(descriptor).st_mode) else b""


def is_there(raw: Path) -> bool:
    """Tell whether raw, or what it is a link to, exists. Raises HuskyError if it is neither file nor folder."""
    return os.path.lexists(raw) and not stat.S_ISLNK(status(raw).st_mode)


def check_place(raw: Path, stages: Iterable[str], workspace: Path = Path()) -> None:
    """Raise HuskyError where raw holds what the workflow itself writes, or lies in it.

    stages: the names of all of them, whose folders lie in data/.
    """
    given = (workspace / raw).resolve()
    for own in (*(f"data/{stage}" for stage in stages), *_OWN):
        place = (workspace / own).resolve()
        if given.is_relative_to(place) or place.is_relative_to(given):
            raise HuskyError(
                f"'raw' in params.yaml is {raw}, which {'lies in' if given.is_relative_to(place) else 'holds'} {own}, "
                "where the workflow keeps its own files. Move your images to a folder of their own, as data/photos."
            )


def is_text(text: str) -> bool:
    """Tell whether text stays on one line and can be written as UTF-8; any script's blanks and joiners may be in it."""
    # Whatever Python calls printable is such text; the rest is looked at letter by letter, which takes far longer.
    return text.isprintable() or not any(
        unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in text
    )


def check_name(folder: str | Path, name: str) -> None:
    """Raise HuskyError for a name that is not readable text."""
    if not is_text(name):
        raise HuskyError(f"{folder} has a file whose name is not readable text: {name!r}. Rename it.")


def is_hidden(name: str) -> bool:
    """Tell whether a file or folder is passed over: hidden, or left behind by an operating system."""
    return name.startswith(".") or name.lower() in _JUNK


def is_image(name: str) -> bool:
    """Tell by its ending, in any letter case, whether a file is meant to be an image."""
    return kinds.ending(name) in ENDINGS or kinds.ending(name) in _NOT_READ


def raw_digest(raw: Path) -> str:
    """Return a digest of what convert reads: paths and contents of all files, since an ending tells little.

    An absent raw has the digest "absent", so that it fails in convert, with a message, and not while parsing.
    Raises HuskyError where it is or has what is neither file nor folder, or a link to a folder.
    """
    if not is_there(raw):
        return "absent"
    if not raw.is_dir():
        return digests.file_digest(raw)
    return hashlib.sha256(json.dumps(list(contents(raw).items())).encode()).hexdigest()


def contents(raw: Path) -> dict[str, str]:
    """Return the sha256 of each file of a raw folder by its path below it; of one that is too large, how large it is.

    Raises HuskyError as `files` does.
    """
    listing = list(files(raw))
    # Convert does not read what is too large for a picture, whatever is in it.
    read = [(f"{raw}/{name}", status) for name, status in listing if status.st_size <= LARGEST_FILE]
    digest_of = dict(zip((path for path, _ in read), digests.file_digests(read), strict=True))
    return {name: digest_of.get(f"{raw}/{name}", f"{status.st_size} bytes") for name, status in listing}
