"""Tips of the level Priority: a mail to the person on duty, in duty hours only. Nobody is woken.

A tip that nobody has yet has a row that says when to write; out of hours that is when they begin next.
Several are told in one mail.
"""

import logging
import time
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import connection, transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from intake.models import Program
from tipline.kernel import times
from triage.escalation import rota
from triage.escalation.carriers import Send
from triage.escalation.texts import Words
from triage.models import READERS, Alarm, AlarmKind, Channel, Contact, Membership, Role
from triage.watching import duty, telling

log = logging.getLogger("tipline.watch")

EVERY = 15.0
GAP = 300.0
"""Seconds between two mails to the same people: what comes meanwhile is in the next."""

_WAITING = "urgency = 'priority' AND status = 'new'"

_NOTE = f"""
INSERT INTO triage_alarm (id, program_id, kind, about, due_at)
SELECT gen_random_uuid(), program_id, 'priority', id, %(due)s FROM triage_case
WHERE program_id = %(program)s AND {_WAITING} ON CONFLICT DO NOTHING
"""  # noqa: S608  only constants are put together

_FORGET = f"""
DELETE FROM triage_alarm alarm WHERE kind = 'priority'
AND NOT EXISTS (SELECT 1 FROM triage_case WHERE id = alarm.about AND {_WAITING})
"""  # noqa: S608

_DUE = """
SELECT alarm.id, alarm.program_id, its.oversight FROM triage_alarm alarm JOIN triage_case its ON its.id = alarm.about
WHERE alarm.kind = 'priority' AND alarm.due_at <= %(now)s
"""


class Side(NamedTuple):
    """Whose tips: a program's, and whether those about police, school or program."""

    program_id: UUID
    oversight: bool


class Priority:
    """Looks four times a minute."""

    def __init__(self, *, send: Send, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._send = send
        self._monotonic = monotonic
        self._looked = float("-inf")
        self._written: dict[Side, float] = {}

    def look(self, now: datetime) -> int:
        """Write to who is on duty of tips that wait; returns of how many."""
        moment = self._monotonic()
        if moment - self._looked < EVERY:
            return 0
        self._looked = moment
        told = 0
        for side, alarms in self._due(now).items():
            if moment - self._written.get(side, float("-inf")) < GAP:
                continue
            if telling.tell(on_duty(side), words(len(alarms)), send=self._send):
                self._written[side] = moment
                Alarm.objects.filter(kind=AlarmKind.PRIORITY, pk__in=alarms).update(due_at=None)
                told += len(alarms)
            else:
                log.error("watch.priority_not_told")
        return told

    def _due(self, now: datetime) -> dict[Side, list[UUID]]:
        programs = Program.objects.only("pk", "timezone", "duty_hours")
        opens = {program.pk: begins(program, now) for program in programs}
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_FORGET)
            for program, due in opens.items():
                # The quarter hour that runs: no row says when a tip came.
                cursor.execute(_NOTE, {"program": program, "due": times.quarter_hour(now) if due == now else due})
            cursor.execute(_DUE, {"now": now})
            rows = cursor.fetchall()
        found: dict[Side, list[UUID]] = {}
        for alarm, program, oversight in rows:
            # One noted in duty hours that could not be sent in them waits for the next.
            if opens[program] == now:
                found.setdefault(Side(program, oversight), []).append(alarm)
        return found


def begins(program: Program, now: datetime) -> datetime:
    """Return now if the program is in duty hours, else when they begin next."""
    try:
        hours = duty.read(program.duty_hours)
    except duty.BadHours:
        # Better a mail at the wrong hour than none.
        log.error("duty.unreadable %s", program.pk)
        hours = []
    return duty.begins(now, hours, program.timezone)


def on_duty(side: Side) -> list[telling.Reach]:
    """The mailbox of the first on call who has one and may read these tips; else of those who answer for them."""
    members = Membership.objects.filter(program_id=side.program_id, user__is_active=True)
    members = members.filter(role=Role.OVERSIGHT) if side.oversight else members.filter(role__in=READERS)
    may_read = set(members.values_list("user_id", flat=True))
    for user in (each for each in rota.on_call(side.program_id) if each in may_read):
        found = Contact.objects.filter(program_id=side.program_id, user_id=user, channel=Channel.EMAIL, active=True)
        if mailboxes := telling.opened(found.only("program_id", "channel", "sealed")):
            return mailboxes
    return telling.answering(side.program_id, oversight=side.oversight)


def words(count: int) -> Words:
    """Say how many wait, without a word of any of them."""
    body = ngettext(
        "%(count)d tip of the level Priority waits, and nobody has it yet.\n\n"
        "Open your page board from your home screen or bookmark and read it: its trace may go cold.\n\n"
        "This mail has no link, and a mail with one is not ours. It comes in duty hours only, once for each tip.",
        "%(count)d tips of the level Priority wait, and nobody has them yet.\n\n"
        "Open your page board from your home screen or bookmark and read them: their trace may go cold.\n\n"
        "This mail has no link, and a mail with one is not ours. It comes in duty hours only, once for each tip.",
        count,
    ) % {"count": count}
    return Words(_("TL: tips of the level Priority"), body)
