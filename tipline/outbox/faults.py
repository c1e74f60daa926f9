"""Misbehaviour on command: what each service does wrong, for how long and how often."""

import threading
from dataclasses import dataclass
from typing import Any

_COMMON = ("ok", "refuse", "500", "429", "hang", "drip", "garbage", "mailbox_gone")
MODES = {
    "smtp": (*_COMMON, "greylist", "starttls_broken"),
    "gateway": (*_COMMON, "error_body", "no_callback", "undelivered"),
    "twilio": (*_COMMON, "error_body", "no_callback", "undelivered"),
    "voice": (*_COMMON, "error_body", "no_callback", "undelivered"),
}
"""Service -> the modes it knows. What each does stands in the service's own module."""

_SECONDS = {"429": 2.0}


@dataclass(frozen=True)
class Fault:
    """A mode; `seconds` is how long a hang or drip lasts, or what Retry-After says; `count` how many
    messages it still meets, None for all until told otherwise."""

    mode: str = "ok"
    seconds: float = 30.0
    count: int | None = None


class Faults:
    """The present fault of every service."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now = {service: Fault() for service in MODES}

    def command(self, wishes: dict[str, Any]) -> None:
        """Take {"smtp": {"mode": "hang", "seconds": 3, "count": 1}, ...}; ValueError says what is wrong."""
        read = {service: _read(service, wish) for service, wish in wishes.items()}
        with self._lock:
            self._now.update(read)

    def take(self, service: str) -> Fault:
        """The fault the next message of a service meets; counts it."""
        with self._lock:
            fault = self._now[service]
            if fault.count is not None:
                left = fault.count - 1
                self._now[service] = Fault(fault.mode, fault.seconds, left) if left else Fault()
        return fault

    def peek(self, service: str) -> Fault:
        """The present fault of a service, without counting."""
        with self._lock:
            return self._now[service]

    def as_json(self) -> dict[str, Any]:
        """All present faults, in the form `command` takes."""
        with self._lock:
            return {service: vars(fault) for service, fault in self._now.items()}


def _read(service: str, wish: Any) -> Fault:
    if service not in MODES:
        raise ValueError(f"no such service; there are {', '.join(MODES)}")
    if not isinstance(wish, dict) or set(wish) - {"mode", "seconds", "count"}:
        raise ValueError("a service takes mode, seconds and count")
    mode, count = wish.get("mode", "ok"), wish.get("count")
    if mode not in MODES[service]:
        raise ValueError(f"{service} knows the modes {', '.join(MODES[service])}")
    seconds = wish.get("seconds", _SECONDS.get(mode, 30.0))
    if not isinstance(seconds, int | float) or not 0 <= seconds <= 3600:
        raise ValueError("seconds is a number from 0 to 3600")
    if count is not None and (not isinstance(count, int) or count < 1):
        raise ValueError("count is a whole number from 1, or null")
    return Fault(mode, float(seconds), count)
