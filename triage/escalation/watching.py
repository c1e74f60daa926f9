"""The watcher: notices that a loop is silent or a row overdue, and says so by a way of its own.

It only looks; it never does the escalators' work. Its mails and SMS go out directly, past the
notification rows, Celery and the escalators, because any of them may be what stands still.
"""

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Exists, OuterRef, Q

from intake.models import Due
from triage.escalation import texts
from triage.escalation.carriers import Send
from triage.escalation.loop import ESCALATORS, SILENT_AFTER
from triage.models import Case, CaseStatus, Escalation, Heartbeat, Notification, Urgency
from triage.watching import telling

log = logging.getLogger("tipline.watch")

OVERDUE = timedelta(seconds=30)
EVERY = 3.0
REPEAT = 300.0

DATABASE = "database"
CLOCK = "clock"


def overdue_rows(now: datetime) -> set[str]:
    """Return what the database shows to stand still: silent loops, pages and steps long due."""
    found = set()
    beats = dict(Heartbeat.objects.values_list("name", "beat_at"))
    for name in ESCALATORS:
        if name not in beats or now - beats[name] > SILENT_AFTER:
            found.add(f"silent {name}")
    if Escalation.objects.running().filter(next_at__lt=now - OVERDUE).exists():
        found.add("overdue escalation")
    # A page and its case are stored together: one without the other is a fault of ours that nobody would hear of.
    danger = Case.objects.filter(urgency__in=[Urgency.IMMINENT, Urgency.URGENT], status=CaseStatus.NEW)
    if danger.filter(~Exists(Escalation.objects.filter(case=OuterRef("pk")))).exists():
        found.add("page missing")
    unheld = Q(lease_until=None) | Q(lease_until__lt=now)
    if Notification.objects.filter(unheld, due_at__lt=now - OVERDUE).exists():
        found.add("overdue notification")
    return found


class Watcher:
    """What was seen before: since when each tip waits, whether an incident runs and was told, who is told."""

    def __init__(self, *, send: Send, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._send = send
        self._monotonic = monotonic
        self._started = monotonic()
        self._waiting: dict[UUID, float] = {}
        self._told: float | None = None
        self._people: list[telling.Reach] = []
        self._blind_since: float | None = None
        self._clocks: tuple[datetime, float] | None = None

    def look(self, now: datetime) -> set[str]:
        """Look once and raise the alarm for what is new or still wrong after five minutes; returns what is wrong."""
        found = overdue_rows(now) | self._waiting_tips() | self._stepped(now)
        self._people = telling.everybody()
        self._blind_since = None
        return self._judge(found)

    def blind(self) -> set[str]:
        """Say that the database could not be asked for a while; the addresses are those of the last look."""
        moment = self._monotonic()
        self._blind_since = self._blind_since if self._blind_since is not None else moment
        # A restart of PostgreSQL is no incident.
        return self._judge({DATABASE}) if moment - self._blind_since > SILENT_AFTER.total_seconds() else set()

    def oldest_tip(self) -> float:
        """Return for how many seconds the oldest tip waits to be assessed, as far as this process has seen."""
        first = min(self._waiting.values(), default=None)
        return 0.0 if first is None else self._monotonic() - first

    def _stepped(self, now: datetime) -> set[str]:
        # Every timer asks the database's clock: set back, it puts each next step off by as much.
        moment, before = self._monotonic(), self._clocks
        self._clocks = now, moment
        if before is None:
            return set()
        step = (now - before[0]).total_seconds() - (moment - before[1])
        return {CLOCK} if abs(step) > OVERDUE.total_seconds() else set()

    def _waiting_tips(self) -> set[str]:
        # A due row keeps no time of arrival, so the watcher remembers when it first saw each.
        seen = self._monotonic()
        rows = Due.objects.order_by().values_list("pk", flat=True)
        self._waiting = {row: self._waiting.get(row, seen) for row in rows}
        late = any(seen - since > OVERDUE.total_seconds() for since in self._waiting.values())
        return {"overdue tip"} if late else set()

    def _judge(self, found: set[str]) -> set[str]:
        moment = self._monotonic()
        # What was still when the house was just started gets the time to start.
        if moment - self._started < SILENT_AFTER.total_seconds():
            found = {what for what in found if what.startswith("overdue")}
        if not found:
            self._told = None
        # One trouble shows itself in several places, one after the other: it is told once.
        elif (self._told is None or moment - self._told >= REPEAT) and self._alarm(found):
            self._told = moment
        return found

    def _alarm(self, found: set[str]) -> bool:
        log.error("watch.alarm %s", ", ".join(sorted(found)))
        if not self._people:
            log.error("watch.nobody_to_tell")
        # Not told unless somebody is: then the next look tries again.
        return telling.tell(self._people, texts.watch_alarm(len(found)), send=self._send)
