"""When a door collects what its requests leave behind in memory."""

import threading


class Leavings:
    """When to collect what requests leave behind, so that a freed body is overwritten soon.

    Circles of objects (a form and its fields) hold a body until they are collected. A collection costs
    half a millisecond, so a door that is never idle makes four a second, and the last to leave always does.
    """

    SECONDS = 0.25

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._being_served = 0
        self._bodies_left = False
        self._due = 0.0

    def came(self) -> None:
        with self._lock:
            self._being_served += 1

    def went(self, *, body: bool, now: float) -> bool:
        """Whether to collect now, after a request that had a body or had none."""
        with self._lock:
            self._being_served -= 1
            self._bodies_left = self._bodies_left or body
            collect = self._bodies_left and (self._being_served == 0 or now >= self._due)
            if collect:
                self._due = now + self.SECONDS
                # Whoever is still being served may hold a body that this collection cannot free.
                self._bodies_left = self._being_served > 0
            return collect
