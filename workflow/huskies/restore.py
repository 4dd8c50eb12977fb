"""What dvc.lock records of a stage's output: DVC removes that before it runs the stage, and a fresh clone has none."""

import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from huskies.job import Job


@contextmanager
def output(job: Job, wanted: Callable[[str], bool]) -> Iterator[Path | None]:
    """Give a temporary folder with those files of the recorded output whose names are wanted; None if there are none.

    They come from DVC's cache, or from the remote.
    """
    # In the name of an unfinished build, so that what a killed run leaves is cleared away like one.
    taken = job.output.with_name(f".{job.name}-recorded")
    try:
        sought = Path("dvc.lock").is_file() and not job.anew
        yield taken if sought and _get(job.stage, taken, wanted) else None
    finally:
        shutil.rmtree(taken, ignore_errors=True)


def _get(stage: str, taken: Path, wanted: Callable[[str], bool]) -> bool:
    from dvc.api import DVCFileSystem

    taken.mkdir()
    try:
        files = DVCFileSystem()
        for path in files.ls(f"data/{stage}", detail=False):
            name = path.rpartition("/")[2]
            if wanted(name):
                files.get_file(path, str(taken / name))
        return True
    except FileNotFoundError:
        return False
    except Exception as error:
        # Remotes fail in the ways of their libraries, and what cannot be had is made anew.
        print(f"{stage}: nothing taken over from DVC: {error}", file=sys.stderr, flush=True)
        return False
