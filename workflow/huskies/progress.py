"""Bars for work that lasts, and lines beside them: on a terminal bars move, elsewhere they are silent."""

import os
import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")

_ERASE_LINE = "\r\x1b[K"


def bar(items: Iterable[Item], total: int, label: str, unit: str = " images") -> Iterator[Item]:
    """Yield `items`, showing how many of `total` are done, how many a second, and the time left."""
    if not sys.stderr.isatty():
        yield from items
        return
    from tqdm import tqdm

    # A terminal that does not know its width says 0 (as in some containers), and tqdm would show nothing there.
    width = os.get_terminal_size(sys.stderr.fileno()).columns or 80
    yield from tqdm(items, total=total, desc=label, unit=unit, file=sys.stderr, ncols=width, leave=False)


def say(line: str) -> None:
    """Write a line to stderr in one piece, in place of whatever bar a job beside this one has just drawn there."""
    erase = _ERASE_LINE if sys.stderr.isatty() else ""
    sys.stderr.write(f"{erase}{line}\n")
