"""Shards: parts of a stage, each of its own images, made by jobs of their own and put together by the stage itself.

Which shard an image belongs to follows from its own hash alone, so that added images move no other, and each job finds
most of what it is to make in its own last output.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from huskies import atomic

# What came of each image, in the folder of a shard.
RESULTS = "results.csv"
_NAME = re.compile(r"(\w+)_\d+_of_\d+")


class Shard(NamedTuple):
    """One of `count` shards; number is from 1."""

    number: int
    count: int

    def name(self, stage: str) -> str:
        """Return the name of the shard's folder."""
        return f"{stage}_{self.number}_of_{self.count}"

    def holds(self, sha256: str) -> bool:
        """Tell whether what has this sha256, in hexadecimal digits, belongs to the shard: one of equal ranges."""
        return int(sha256[:8], 16) * self.count >> 32 == self.number - 1


def stage_of(name: str) -> str:
    """Return the stage whose shard's folder has this name; the name itself where it is no shard's."""
    found = _NAME.fullmatch(name)
    return found[1] if found else name


def of(stage: str, count: int) -> Iterator[tuple[str, Shard]]:
    """Yield (name, shard) of all shards of a stage."""
    for number in range(1, count + 1):
        shard = Shard(number, count)
        yield shard.name(stage), shard


def put(content: bytes | Path, path: Path) -> bytes:
    """Write bytes to a new file, or give a file that has them this name, too; return them."""
    if isinstance(content, Path):
        atomic.link(content, path)
        return path.read_bytes()
    path.write_bytes(content)
    return content
