"""Where the classifier lies that is asked: a folder, or data/final of a repository at some revision, by DVC."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from huskies.errors import HuskyError

_PLACE = "data/final"


@contextlib.contextmanager
def at(named: str) -> Iterator[Path]:
    """Give the folder of a classifier by its name: a path, or `repository-or-path@revision`.

    Before the @ stands what git can clone, or the path of a clone, and after it a tag, a branch or a commit. What DVC
    has of data/final there is fetched into a folder that is gone afterwards.
    Raises HuskyError where there is none.
    """
    if Path(named).is_dir():
        yield Path(named)
        return
    repository, at, revision = named.rpartition("@")
    if not at or not revision:
        raise HuskyError(
            f"there is no folder {named}. Name the folder of a classifier, as data/final, or repository@revision."
        )
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, "final")
        _get(repository or ".", revision, place)
        yield place


def _get(repository: str, revision: str, place: Path) -> None:
    from dvc.api import DVCFileSystem

    try:
        DVCFileSystem(repository, rev=revision).get(_PLACE, str(place), recursive=True)
    # Git, DVC and the libraries of remotes fail in ways of their own.
    except Exception as error:
        said = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
        raise HuskyError(
            f"cannot get {_PLACE} of {repository} at {revision}: {said}. See that git has the revision, that it has "
            f"{_PLACE}.dvc, and that it was pushed: dvc push"
        ) from None
    if not place.is_dir():
        raise HuskyError(f"{repository} has no {_PLACE} at {revision}. Make one: snakemake --cores all final")
