"""A bar for work that lasts: on a terminal it moves, elsewhere it is silent."""

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

Item = TypeVar("Item")


def bar(items: Iterable[Item], total: int, label: str, unit: str = " images") -> Iterator[Item]:
    """Yield `items`, showing how many of `total` are done, how many a second, and the time left."""
    yield from tqdm(
        items,
        total=total,
        desc=label,
        unit=unit,
        file=sys.stderr,
        disable=not sys.stderr.isatty(),
        leave=False,
    )
