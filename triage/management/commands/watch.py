"""`manage.py watch`: looks every few seconds whether the escalators do what they should."""

import logging
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from operator import methodcaller
from typing import Any

from django.core.management.base import BaseCommand
from django.db import DatabaseError, InterfaceError, close_old_connections, connection

from tipline.kernel.clock import database_now
from triage import rows
from triage.escalation import carriers
from triage.escalation.unread import Unread
from triage.escalation.watching import EVERY, Watcher
from triage.keeping.erasing import Erasing
from triage.watching.canary import Canary
from triage.watching.counting import Counting
from triage.watching.priority import Priority
from triage.watching.reading import Reading
from triage.watching.staffing import Staffing
from triage.watching.tries import Tries

log = logging.getLogger("tipline.watch")


class Command(BaseCommand):
    """Runs until SIGTERM or SIGINT."""

    help = "Notices that an escalator is silent, a row overdue or a tip unread for 12 hours, and says so."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        watcher = Watcher(send=carriers.send)
        others = [
            Counting(oldest_tip=watcher.oldest_tip),
            Tries(),
            Erasing(),
            *(part(send=carriers.send) for part in (Unread, Staffing, Priority, Canary, Reading)),
        ]
        # A mail server that hangs keeps these waiting, and never the watcher.
        slower = threading.Thread(
            target=_keep_looking,
            args=(lambda now: rows.one_by_one(methodcaller("look", now), others), lambda: None, stop),
            name="others",
            daemon=True,
        )
        slower.start()
        _keep_looking(watcher.look, watcher.blind, stop)
        slower.join(carriers.SEND_SECONDS)


def _keep_looking(look: Callable[[datetime], object], blind: Callable[[], object], stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            close_old_connections()
            look(database_now())
        except (DatabaseError, InterfaceError) as fault:
            log.warning("watch.database_away %s", type(fault).__name__)
            with suppress(Exception):
                connection.close()
            blind()
        stop.wait(EVERY)
