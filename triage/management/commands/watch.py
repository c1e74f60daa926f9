"""`manage.py watch`: looks every five seconds whether the escalators do what they should."""

import logging
import signal
import threading
from operator import methodcaller
from typing import Any

from django.core.management.base import BaseCommand
from django.db import DatabaseError, InterfaceError, close_old_connections, connection

from tipline.kernel.clock import database_now
from triage import rows
from triage.escalation import carriers
from triage.escalation.unread import Unread
from triage.escalation.watching import EVERY, Watcher
from triage.watching.staffing import Staffing

log = logging.getLogger("tipline.watch")


class Command(BaseCommand):
    """Runs until SIGTERM or SIGINT."""

    help = "Notices that an escalator is silent, a row overdue or a tip unread for 12 hours, and says so by e-mail."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        watcher = Watcher(send=carriers.send)
        others = [part(send=carriers.send) for part in (Unread, Staffing)]
        while not stop.is_set():
            try:
                close_old_connections()
                now = database_now()
                watcher.look(now)
                # The first look is what must not fail: none of the others keeps it waiting.
                rows.one_by_one(methodcaller("look", now), others)
            except (DatabaseError, InterfaceError) as fault:
                log.warning("watch.database_away %s", type(fault).__name__)
                connection.close()
                watcher.blind()
            stop.wait(EVERY)
