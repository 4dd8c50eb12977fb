"""Where the classifier lies that is asked: a folder, or data/final of a repository at some revision, by DVC."""

import contextlib
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from huskies.errors import HuskyError

_PLACE = "data/final"
_TAGGED = re.compile(r"(?P<repository>.*?)@(?P<revision>[^@:/]+@v\d+\.\d+\.\d+[^@]*)")


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
    repository, revision = split(named)
    if not revision:
        raise HuskyError(
            f"there is no folder {named}. Name the folder of a classifier, as data/final, or repository@revision."
        )
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, "final")
        _get(repository or ".", revision, place)
        yield place


def split(named: str) -> tuple[str, str]:
    """Return (repository, revision) of `repository@revision`; both are empty where there is no @.

    A tag of GTO, as classifier@v0.0.1, has an @ of its own, as have addresses, and is the revision as a whole.
    """
    if found := _TAGGED.fullmatch(named):
        return found["repository"], found["revision"]
    repository, at, revision = named.rpartition("@")
    return (repository, revision) if at else ("", "")


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
