"""`manage.py escalator --triage` and `--page`: the loops that see to it that no row is forgotten."""

import signal
import threading
from contextlib import suppress
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError, InterfaceError

from triage.escalation import escalators, loop, wake
from triage.escalation.handover import Publisher
from triage.watching import queues


class Command(BaseCommand):
    """Runs until SIGTERM or SIGINT."""

    help = "Finds waiting tips (--triage) or due pages (--page) and sees them done, with Celery or without."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("--triage", action="store_true")
        which.add_argument("--page", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        publisher = Publisher()
        if options["triage"]:
            found = escalators.TriageTick(publisher)
            loop.run(loop.TRIAGE, found, channel=wake.DUE, stop=stop)
            with suppress(DatabaseError, InterfaceError):  # then everything is being stopped
                found.drain()
        else:
            queues.keep_measuring(stop)
            tick = escalators.PageTick(publisher)
            loop.run(loop.PAGE, tick, channel=wake.PAGE, stop=stop)
            tick.close()
        publisher.close()
