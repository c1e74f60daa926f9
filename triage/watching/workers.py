"""Celery's workers say that they live, as the loops do: on a thread and a connection of their own."""

import threading
from typing import Any

from celery.signals import worker_ready
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection

from tipline.kernel.clock import database_now
from triage.watching import beats, gateways


@worker_ready.connect  # type: ignore[untyped-decorator]
def keep_beating(**_: Any) -> None:
    """Begin when the worker is ready; the thread ends with the process."""
    threading.Thread(target=_beat_for_ever, args=(f"{settings.ROLE}-worker",), name="beats", daemon=True).start()


def _beat_for_ever(name: str) -> None:
    while True:
        try:
            beats.beat(name, database_now())
            if settings.ROLE == "page":
                gateways.show(name)
        except (DatabaseError, InterfaceError):
            # Said by those whose work it keeps from being done.
            connection.close()
        threading.Event().wait(beats.EVERY)
