"""No tip of any level stays unread for half a day without somebody being told.

This catches what the classifier missed and what was taken and forgotten. A tip nobody has opened has a
row that says when to tell; it goes when somebody opens the tip, and a restart neither forgets nor repeats it.
"""

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db import connection, transaction

from tipline.kernel import times
from triage.escalation import texts
from triage.escalation.carriers import Send
from triage.models import Alarm, AlarmKind
from triage.watching import telling

log = logging.getLogger("tipline.watch")

TOO_LONG = timedelta(hours=12)
EVERY = 60.0

_UNREAD = "(status IN ('new', 'taken') OR (status = 'open' AND unread > 0))"

_NOTE = f"""
INSERT INTO triage_alarm (id, program_id, kind, about, due_at)
SELECT gen_random_uuid(), program_id, 'unread', id, %(due)s FROM triage_case WHERE {_UNREAD}
ON CONFLICT DO NOTHING
"""  # noqa: S608  only constants are put together

_FORGET = f"""
DELETE FROM triage_alarm alarm WHERE kind = 'unread'
AND NOT EXISTS (SELECT 1 FROM triage_case WHERE id = alarm.about AND {_UNREAD})
"""  # noqa: S608

_LATE = """
SELECT alarm.id, alarm.program_id, its.oversight FROM triage_alarm alarm JOIN triage_case its ON its.id = alarm.about
WHERE alarm.kind = 'unread' AND alarm.due_at <= %(now)s
"""


class Side(NamedTuple):
    """Whose tips: a program's, and whether those about police, school or program."""

    program_id: UUID
    oversight: bool


class Unread:
    """Looks once a minute."""

    def __init__(self, *, send: Send, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._send = send
        self._monotonic = monotonic
        self._looked = float("-inf")

    def look(self, now: datetime) -> int:
        """Tell supervisors (of oversight tips: oversight people) of tips unread for too long; returns how many."""
        moment = self._monotonic()
        if moment - self._looked < EVERY:
            return 0
        self._looked = moment
        again = times.quarter_hour_after(now + TOO_LONG)
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_FORGET)
            cursor.execute(_NOTE, {"due": again})
            cursor.execute(_LATE, {"now": now})
            found = cursor.fetchall()
        late: dict[Side, list[UUID]] = {}
        for alarm, program, oversight in found:
            late.setdefault(Side(program, oversight), []).append(alarm)
        for side, alarms in late.items():
            if self._tell(side, len(alarms)):
                # Told: the next time in another half a day.
                Alarm.objects.filter(kind=AlarmKind.UNREAD, pk__in=alarms).update(due_at=again)
        return len(found)

    def _tell(self, side: Side, count: int) -> bool:
        log.error("watch.unread")
        to = telling.answering(side.program_id, oversight=side.oversight)
        return telling.tell(to, texts.unread_alarm(count), send=self._send)
