"""Guessing made slow, without remembering who guessed and without locking anybody out.

Misses are counted by what was tried: a name, or a name in a browser that signed in with it before
(`browsers`). After a few, the next try is looked at only when some seconds have passed, then twice as
many, up to a limit. A stranger's misses never slow the browser a person knows. Names nobody has are
counted alike, in a table of fixed size that a flood of names cannot push anything out of.
"""

import hashlib
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import BoundedSemaphore, Lock
from typing import TypeVar

FREE = 5  # misses that slow nobody
FORGOTTEN_AFTER = 1800.0  # seconds without a miss
PLACES = 65_536


class NotNow(Exception):
    """This try was not looked at; it may be in some `seconds`. `busy`: because of others, not of its own misses."""

    def __init__(self, seconds: int, *, busy: bool = False) -> None:
        super().__init__("Not now.")
        self.seconds, self.busy = seconds, busy


@dataclass(frozen=True, slots=True)
class Pace:
    """How slow it gets: the longest time, in seconds, until the next try is looked at."""

    longest: float


PHRASE = Pace(30.0)  # 77 bits: this spares the machine more than the phrase
CODE = Pace(900.0)  # six digits behind a phrase that is known already


class Misses:
    """How often what was wrong lately, kept in memory under keyed hashes."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._found: dict[int, tuple[int, float]] = {}
        self._lock = Lock()

    def wait(self, what: str, pace: Pace) -> int:
        """Count a try before it is looked at; returns 0, or the whole seconds to wait when it must not be.

        It counts as a miss until `forgive`: of guesses sent together none slips past.
        """
        place, now = self._place(what), time.monotonic()
        with self._lock:
            misses, last = self._found.get(place, (0, now))
            if now - last >= FORGOTTEN_AFTER:
                misses = 0
            pause = 0.0 if misses < FREE else min(2.0 ** min(misses - FREE, 20), pace.longest)
            left = last + pause - now
            if misses >= FREE and left > 0:
                return int(left) + 1
            self._found[place] = (misses + 1, now)
        return 0

    def forgive(self, what: str) -> None:
        """Take back the try just counted: it was right. What others missed stays."""
        place = self._place(what)
        with self._lock:
            misses, last = self._found.get(place, (1, 0.0))
            self._found[place] = (max(0, misses - 1), last)

    def forget(self) -> None:
        """Drop everything (tests)."""
        self._found.clear()

    def _place(self, what: str) -> int:
        digest = hashlib.blake2b(what.encode(), key=self._key, digest_size=4).digest()
        return int.from_bytes(digest) % PLACES


misses = Misses()

# Of the two pass phrases stretched at a time (stretching.py), strangers get one; and of the threads of this
# door no more than wait here. The other slot and the other threads are for browsers people know.
_STRETCHING = BoundedSemaphore(1)
_WAITING = BoundedSemaphore(4)
COME_BACK = 5  # seconds

Found = TypeVar("Found")


def slowly(what: str, look: Callable[[], Found | None], *, pace: Pace = PHRASE, known: bool = False) -> Found | None:
    """Look at one try, which returns None if it was wrong; `known` is a browser this person signed in with.

    Raises NotNow.
    """
    if seconds := misses.wait(what, pace):
        raise NotNow(seconds)
    try:
        with _turn(known=known):
            found = look()
    except NotNow:
        misses.forgive(what)
        raise
    if found is not None:
        misses.forgive(what)
    return found


@contextmanager
def _turn(*, known: bool) -> Iterator[None]:
    if known:
        yield
        return
    if not _WAITING.acquire(blocking=False):
        raise NotNow(COME_BACK, busy=True)
    try:
        with _STRETCHING:
            yield
    finally:
        _WAITING.release()
