"""Map a function over many items on several cores, in order, with a bounded number in flight.

Only the calling process writes files; workers return bytes. So when the caller is killed, nobody is left
who could still write into its folder, and the workers notice that they are orphans and end.
"""

import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from huskies.errors import HuskyError, some

Item = TypeVar("Item")
Result = TypeVar("Result")

IN_FLIGHT = 256 << 20  # bytes of items


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
    function: Callable[[Item], Result],
    items: Iterable[Item],
    cores: int,
    *preload: str,
    size: Callable[[Item], int] = lambda item: 0,
    name: Callable[[Item], str] | None = None,
) -> Iterator[Result]:
    """Yield function(item) for each item, in the order of the items, on `cores` processes.

    function: picklable. preload: the modules to import once, before the workers are forked from them. size: the bytes
    that an item holds; name: what an error message calls it.
    At most 4 items a core and IN_FLIGHT bytes are in flight, so memory does not grow with the number of items, and
    their size costs no more than one item beyond that.
    Raises what the function raises, and HuskyError, with the items' names, if a worker is killed (as when memory runs
    out).
    """
    if cores == 1:
        yield from map(function, items)
        return
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(preload))
    pending: deque[tuple[Future[Result], str, int]] = deque()
    in_flight = 0
    try:
        with ProcessPoolExecutor(cores, mp_context=context, initializer=_end_with_parent) as pool:
            for item in items:
                own = size(item)
                while pending and (len(pending) == 4 * cores or in_flight + own > IN_FLIGHT):
                    result, in_flight = pending[0][0].result(), in_flight - pending[0][2]
                    pending.popleft()
                    yield result
                pending.append((pool.submit(function, item), name(item) if name else "", own))
                in_flight += own
            while pending:
                result = pending[0][0].result()
                pending.popleft()
                yield result
    except BrokenProcessPool as error:
        # Workers take the items in their order, so that they are at the first of those without a result.
        unfinished = [called for future, called, _ in pending if not future.done() or future.exception()]
        at = f"They were at {some(unfinished[:cores])}. " if name else ""
        raise HuskyError(
            f"a worker process was killed, most likely because memory ran out. {at}"
            "Run again with fewer cores, or lower convert.max_side in params.yaml."
        ) from error
