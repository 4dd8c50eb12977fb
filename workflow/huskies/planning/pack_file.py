"""Archives of folders: uncompressed, and the same bytes whenever and wherever the same files are packed."""

import contextlib
import os
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from huskies import atomic
from huskies.errors import HuskyError


def write(archive: Path, files: Mapping[str, Path]) -> None:
    """Write files, by the path that each is to have, into an archive, which is there as a whole or not at all."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    unfinished = archive.with_name(f".{archive.name}.{os.getpid()}")
    with tarfile.open(unfinished, "w", format=tarfile.PAX_FORMAT) as tar:
        for name, path in sorted(files.items()):
            described = tarfile.TarInfo(name)
            described.size, described.mode = path.stat().st_size, 0o644
            with open(path, "rb") as content:
                tar.addfile(described, content)
    atomic.sync(unfinished)
    os.replace(unfinished, archive)
    atomic.sync(archive.parent)


def below(folder: Path, name: str) -> dict[str, Path]:
    """Return every file below a folder by the path that it has below `name`, which may be empty.

    A file alone has `name` itself.
    """
    if folder.is_file():
        return {name: folder}
    files = (path for path in folder.rglob("*") if path.is_file())
    return {Path(name, path.relative_to(folder)).as_posix(): path for path in files}


def extract(archive: Path, folder: Path) -> None:
    """Put the files of an archive below a folder. Raises HuskyError for one that is cut short, or no archive."""
    with _opened(archive) as tar:
        for member in tar:
            tar.extract(member, folder, filter="data")


def add(archive: Path, folder: Path) -> None:
    """Put those files of an archive below a folder that are not there, each as a whole; raise as `extract` does."""
    with _opened(archive) as tar:
        for member in tar:
            path = folder / member.name
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                with tempfile.TemporaryDirectory(dir=path.parent) as beside:
                    tar.extract(member, beside, filter="data")
                    os.replace(Path(beside, member.name), path)


@contextlib.contextmanager
def _opened(archive: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(archive, "r:") as tar:
            yield tar
    except (tarfile.TarError, EOFError) as error:
        raise HuskyError(
            f"{archive.name} is no sound archive: {error}. Delete it from the bucket, and run the same command again."
        ) from None
