"""An interrupt ends the run, whatever a library makes of it.

OpenVINO turns the KeyboardInterrupt that comes while it converts into an error of its own, as if the backbone were at
fault, and others pass over one that comes at the wrong moment.
"""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import NoReturn


@contextlib.contextmanager
def heeded() -> Iterator[None]:
    """Raise KeyboardInterrupt in the end if Ctrl-C was pressed meanwhile, though a library caught it.

    Where interrupts are ignored, as in the background of a shell, they stay so; threads get none.
    """
    before = signal.getsignal(signal.SIGINT)
    if before in (signal.SIG_IGN, None) or threading.current_thread() is not threading.main_thread():
        yield
        return
    came = threading.Event()

    def interrupt(number: int, frame: FrameType | None) -> NoReturn:
        came.set()
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    except Exception as error:
        if came.is_set():
            raise KeyboardInterrupt from error
        raise
    finally:
        signal.signal(signal.SIGINT, before)
    if came.is_set():
        raise KeyboardInterrupt
