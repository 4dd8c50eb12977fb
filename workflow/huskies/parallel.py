"""Map a function over many items on several cores, in order, with a bounded number in flight.

Only the calling process writes files; workers return bytes. So when the caller is killed, nobody is left
who could still write into its folder, and the workers notice that they are orphans and end.
"""

import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from typing import TypeVar

from huskies.errors import HuskyError

Item = TypeVar("Item")
Result = TypeVar("Result")


def _end_with_parent() -> None:
    # Ctrl-C reaches the whole process group; the parent alone decides what to do about it.
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def map_ordered(
    function: Callable[[Item], Result], items: Iterable[Item], cores: int, *preload: str
) -> Iterator[Result]:
    """Yield function(item) for each item, in the order of the items, on `cores` processes.

    function: picklable. preload: the modules to import once, before the workers are forked from them.
    At most 4 items a core are in flight, so memory does not grow with the number of items.
    Raises what the function raises, and HuskyError if a worker is killed (as when memory runs out).
    """
    if cores == 1:
        yield from map(function, items)
        return
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(preload))
    items = iter(items)
    try:
        with ProcessPoolExecutor(cores, mp_context=context, initializer=_end_with_parent) as pool:
            pending = deque(pool.submit(function, item) for item in islice(items, 4 * cores))
            while pending:
                result = pending.popleft().result()
                for item in islice(items, 1):
                    pending.append(pool.submit(function, item))
                yield result
    except BrokenProcessPool as error:
        raise HuskyError(
            "a worker process was killed, most likely because memory ran out. "
            "Run again with fewer cores, or lower convert.max_side in params.yaml."
        ) from error
