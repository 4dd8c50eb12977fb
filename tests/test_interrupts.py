"""interrupts: Ctrl-C ends the run, though a library catches it."""

import os
import signal
import threading
from contextlib import suppress

import pytest
from huskies import interrupts


def press() -> None:
    os.kill(os.getpid(), signal.SIGINT)
    signal.sigtimedwait([], 0)


def turned_into_another_error() -> None:
    try:
        press()
    except KeyboardInterrupt:
        raise RuntimeError("Exception happened during conversion of operation conv1") from None


def passed_over() -> None:
    with suppress(KeyboardInterrupt):
        press()


@pytest.mark.parametrize("library", [press, turned_into_another_error, passed_over])
def test_an_interrupt_is_raised_whatever_a_library_makes_of_it(library):
    with pytest.raises(KeyboardInterrupt), interrupts.heeded():
        library()


def test_an_error_without_an_interrupt_is_itself():
    with pytest.raises(RuntimeError, match=r"^no memory$"), interrupts.heeded():
        raise RuntimeError("no memory")


def test_what_was_there_before_is_there_afterwards():
    before = signal.getsignal(signal.SIGINT)
    with interrupts.heeded():
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before


def test_where_interrupts_are_ignored_they_stay_so(monkeypatch):
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interrupts.heeded():
            press()
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_another_thread_has_none():
    done = []

    def work() -> None:
        with interrupts.heeded():
            done.append("worked")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == ["worked"]
