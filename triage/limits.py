"""How long reading one text may take, so that no tip makes the ones beside it wait."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class TooSlow(BaseException):
    """The time is over. Not an Exception: nothing on the way may take it for its own trouble."""


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """End the block with TooSlow when it works longer. Holds on a process's main thread, where tips are read.

    What counts is the processor's time: on a busy machine a tip waits through no fault of its own. The
    alarm rings again, for Python drops what is raised in the middle of a finaliser.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGPROF, _ring)
    signal.setitimer(signal.ITIMER_PROF, seconds, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _ring(number: int, frame: FrameType | None) -> None:
    raise TooSlow
