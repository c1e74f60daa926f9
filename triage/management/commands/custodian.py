"""`manage.py custodian`: does the long work that needs program keys, when somebody has handed them over."""

import logging
import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand
from django.db import DatabaseError, InterfaceError, close_old_connections, connection

from triage.custody.keeper import IDLE, Keeper
from triage.watching import beats

log = logging.getLogger("tipline.custodian")


class Command(BaseCommand):
    """Runs until SIGTERM or SIGINT."""

    help = "Takes program keys from unlocked sessions, in memory only, and seals again what needs it."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        keeper, pulse = Keeper(), beats.Pulse(beats.CUSTODIAN)
        while not stop.is_set():
            try:
                close_old_connections()
                pulse()
                wait = keeper.tick()
            except (DatabaseError, InterfaceError) as fault:
                log.warning("custodian.database_away %s", type(fault).__name__)
                connection.close()
                wait = IDLE
            stop.wait(wait)
        try:
            keeper.end()
        except (DatabaseError, InterfaceError):
            log.warning("custodian.database_away_at_end")
