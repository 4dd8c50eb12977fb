"""Raw images converted one by one, each with what came of it: a JPEG, or the reason why there is none."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from operator import itemgetter
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import pandas as pd

from huskies import shards
from huskies.errors import UnreadableImage
from huskies.images import codec, manifest
from huskies.images.conversion import convert_image
from huskies.images.labelled import RawImage
from huskies.job import Job
from huskies.parallel import map_ordered
from huskies.progress import bar

# The parameters that the JPEG of an image depends on.
SHAPING = ("convert.quality", "convert.max_side")


class Attempt(NamedTuple):
    """What came of one raw image.

    source_sha256: of its bytes; empty where they could not be read. jpeg: bytes, or a file that has them; None where
    the image is rejected, for a reason. notes: (what, how) was done to its pixels by guess.
    """

    source_sha256: str
    jpeg: bytes | Path | None
    reason: str
    notes: list[tuple[str, str]]


class Known:
    """Attempts that shards have made: those of a job's own plan by path, and earlier ones by the image's bytes."""

    def __init__(self, job: Job, contents: Mapping[str, str]):
        """Read what the shards say that a job may use.

        contents: the sha256 of the images by path, where they are files. A shard may have seen another, which was put
        back since; and what could not be read then may be read now.
        """
        self._by_source = {
            source: attempt
            for source, attempt in _read(job.shards)
            if attempt.source_sha256 and attempt.source_sha256 == contents.get(source, attempt.source_sha256)
        }
        earlier = [attempt for _, attempt in _read(job.usable_shards(*SHAPING))]
        # Why an image gave no JPEG may be in its path.
        self._by_bytes = {each.source_sha256: each for each in earlier if each.jpeg}

    def of(self, source: str) -> Attempt | None:
        """Return the attempt at the image with this path below raw."""
        return self._by_source.get(source)

    def of_bytes(self, content: bytes) -> Attempt | None:
        """Return an attempt at an image with these bytes that gave a JPEG."""
        return self._by_bytes.get(codec.sha256(content)) if self._by_bytes else None


def _read(folders: Sequence[Path]) -> Iterator[tuple[str, Attempt]]:
    for folder in folders:
        for row in manifest.read(folder / shards.RESULTS).itertuples():
            jpeg = folder / row.file if row.file else None
            notes = [(what, how) for what, how in json.loads(row.notes)]
            yield row.source, Attempt(row.source_sha256, jpeg, row.reason, notes)


def all_of(
    images: Sequence[RawImage],
    read: Callable[[str], bytes],
    job: Job,
    contents: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[Attempt]:
    """Yield the attempt at each image, in order; what shards have made already is not made again.

    read: gives the bytes at a path below raw, as RawSet has it. contents: as for Known.
    """
    parameters = job.params["convert"]
    attempt = partial(_attempt, quality=parameters["quality"], max_side=parameters["max_side"])
    to_do = _contents(images, read, Known(job, contents))
    return bar(map_ordered(attempt, to_do, job.cores, __name__, size=_size, name=itemgetter(0)), len(images), job.stage)


def _attempt(named: tuple[str, bytes | str | Attempt], quality: int, max_side: int) -> Attempt:
    """Return what comes of the bytes of an image: an exception would stop the other images."""
    _, content = named
    if isinstance(content, Attempt):
        return content
    if isinstance(content, str):
        return Attempt("", None, content, [])
    notes: list[tuple[str, str]] = []
    try:
        return Attempt(codec.sha256(content), convert_image(content, quality, max_side, notes), "", notes)
    except UnreadableImage as error:
        return Attempt(codec.sha256(content), None, str(error), [])


def _contents(
    images: Sequence[RawImage], read: Callable[[str], bytes], known: Known
) -> Iterator[tuple[str, bytes | str | Attempt]]:
    """Yield (path below raw, bytes, or why there are none, or what came of them) of each image."""
    for image in images:
        yield image.source, known.of(image.source) or _content(image.source, read, known)


def _content(source: str, read: Callable[[str], bytes], known: Known) -> bytes | str | Attempt:
    try:
        content = read(source)
    except UnreadableImage as error:
        return str(error)
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    return known.of_bytes(content) or content


def _size(named: tuple[str, bytes | str | Attempt]) -> int:
    return len(named[1])


def write_shard(named: Sequence[tuple[RawImage, str]], made: Iterator[Attempt], output: Path) -> str:
    """Write the attempts at a shard's images; return a line on them. named: each with the file that it is to have."""
    rows = []
    for (image, file), attempt in zip(named, made, strict=True):
        if attempt.jpeg is not None:
            (output / file).parent.mkdir(exist_ok=True)
            shards.put(attempt.jpeg, output / file)
        rows.append(
            {
                "source": image.source,
                "source_sha256": attempt.source_sha256,
                "file": file if attempt.jpeg is not None else "",
                "reason": attempt.reason,
                "notes": json.dumps(attempt.notes),
            }
        )
    described = pd.DataFrame(rows, columns=["source", "source_sha256", "file", "reason", "notes"], dtype=str)
    described.to_csv(output / shards.RESULTS, index=False, lineterminator="\n")
    rejected = int((described["file"] == "").sum())
    return f"{len(rows) - rejected} images, {rejected} rejected"
