"""The loops that find what waits: woken by a notice, and looking by themselves twice a second."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

import psycopg
from django.db import DatabaseError, InterfaceError, connection

from tipline.kernel.clock import database_now
from triage.models import Heartbeat

log = logging.getLogger("tipline.escalation")

TRIAGE, PAGE = "escalator-triage", "escalator-page"
ESCALATORS = (TRIAGE, PAGE)
POLL = 0.5
BREATH = 0.02
"""Seconds between two ticks at least: what comes meanwhile is done together, the first without delay."""
BEAT_EVERY = 2.0
SILENT_AFTER = timedelta(seconds=20)
"""A loop that has not beaten for so long stands still."""

Wait = Callable[[float], None]


def run(name: str, tick: Callable[[], float], *, channel: str, stop: threading.Event) -> None:
    """Tick until told to stop, over every restart of PostgreSQL.

    `tick` returns the seconds it may sleep at most; a notice on `channel` ends the sleep.
    """
    beat = _Beat(name)
    while not stop.is_set():
        try:
            with listening(channel) as wait:
                while not stop.is_set():
                    begun = time.monotonic()
                    pause = tick()
                    beat()
                    wait(min(pause, POLL))
                    stop.wait(max(0.0, begun + BREATH - time.monotonic()))
        except (DatabaseError, InterfaceError, psycopg.Error) as fault:
            log.warning("loop.database_away %s %s", name, type(fault).__name__)
            with suppress(Exception):
                connection.close()
            stop.wait(POLL)


@contextmanager
def listening(channel: str) -> Iterator[Wait]:
    """Listen on a connection of its own; yields how to wait for a notice, or some seconds."""
    params: dict[str, Any] = connection.get_connection_params()
    wanted = {name: params[name] for name in _CONNECTING if name in params}
    with psycopg.connect(**wanted, autocommit=True) as ears:
        ears.execute(f"LISTEN {channel}")

        def wait(seconds: float) -> None:
            for _ in ears.notifies(timeout=seconds, stop_after=1):
                pass

        yield wait


_CONNECTING = ("dbname", "user", "password", "host", "port", "connect_timeout", "application_name")


class _Beat:
    """Says, every other second, that a full tick is done."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._last = float("-inf")

    def __call__(self) -> None:
        if time.monotonic() - self._last < BEAT_EVERY:
            return
        Heartbeat.objects.bulk_create(
            [Heartbeat(name=self._name, beat_at=database_now())],
            update_conflicts=True,
            unique_fields=["name"],
            update_fields=["beat_at"],
        )
        self._last = time.monotonic()
