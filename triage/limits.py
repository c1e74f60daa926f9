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
    """End the block with TooSlow when it takes longer. Holds on a process's main thread, where tips are read."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGALRM, _ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _ring(number: int, frame: FrameType | None) -> None:
    raise TooSlow
