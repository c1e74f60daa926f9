"""A moment after work: forget what was kept for speed, and let go of what the work left in memory.

Circles of objects hold what people wrote until they are collected, and caches of words hold it for hours. What
is freed is overwritten (HYGIENE in tipline/runner/processes.py); this sees to it that it is freed.
"""

import encodings
import gc
import threading
import time
import urllib.parse
from collections.abc import Callable

PAUSE = 0.25
"""Seconds after work until its leavings are collected, and at least that between two collections."""


class Tidying:
    """Collects in a thread of its own, so that nobody waits for it, and only when something was done."""

    def __init__(self) -> None:
        # It keeps the addresses it took apart last, queries included, and gunicorn takes apart every one.
        self._also: list[Callable[[], None]] = [urllib.parse.clear_cache, _forget_unknown_codecs]  # type: ignore[attr-defined]
        self._worked = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def also(self, forget: Callable[[], None]) -> None:
        """Call this too, each time."""
        if forget not in self._also:
            self._also.append(forget)

    def soon(self) -> None:
        """Say that something was done."""
        self._worked.set()
        # A fork takes the object along and leaves the thread behind.
        if self._thread is None or not self._thread.is_alive():
            with self._starting:
                if self._thread is None or not self._thread.is_alive():
                    self._thread = threading.Thread(target=self._run, name="tidying", daemon=True)
                    self._thread.start()

    def now(self) -> None:
        """Do it at once."""
        for forget in self._also:
            forget()
        gc.collect()

    def _run(self) -> None:
        while self._worked.wait():
            time.sleep(PAUSE)
            self._worked.clear()
            self.now()


def _forget_unknown_codecs() -> None:
    """Forget character sets that do not exist: Python remembers for good what a header asked for in vain."""
    known: dict[str, object] = encodings._cache
    for name in [name for name, found in known.items() if found is None]:
        known.pop(name, None)


house = Tidying()
also, soon = house.also, house.soon
