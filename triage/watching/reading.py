"""A second person hears of reading: each morning how much was opened, and soon when a reason was asked.

The mail counts and names nobody; the list itself stands on the console ("Who opened what"). Of tips
about the program's own people only oversight people hear, also in counts.
"""

import logging
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from intake.models import Program
from triage.audit.chain import Event
from triage.escalation.carriers import Send
from triage.escalation.texts import Words
from triage.models import Alarm, AlarmKind, Channel, Contact, Membership, Role
from triage.watching import telling

log = logging.getLogger("tipline.watch")

EVERY = 60.0
KEPT = timedelta(days=2)
"""How long an entry that was told of is remembered: longer than one is looked for."""

_NOTE = """
INSERT INTO triage_alarm (id, program_id, kind, about, due_at)
SELECT gen_random_uuid(), program_id, 'reading', id, %(now)s FROM triage_auditentry
WHERE event = ANY(%(events)s) AND hour >= %(since)s ON CONFLICT DO NOTHING
"""

_FORGET = """
DELETE FROM triage_alarm alarm WHERE kind = 'reading'
AND NOT EXISTS (SELECT 1 FROM triage_auditentry WHERE id = alarm.about AND hour >= %(kept)s)
"""

_DUE = """
SELECT alarm.id, alarm.program_id, entry.actor_id, its.oversight
FROM triage_alarm alarm JOIN triage_auditentry entry ON entry.id = alarm.about
JOIN triage_case its ON its.tip_id = entry.tip_id
WHERE alarm.kind = 'reading' AND alarm.due_at <= %(now)s
"""

_OPENED = """
SELECT its.oversight, count(DISTINCT entry.tip_id), count(DISTINCT entry.actor_id)
FROM triage_auditentry entry JOIN triage_case its ON its.tip_id = entry.tip_id
WHERE entry.program_id = %(program)s AND entry.event = %(opened)s AND entry.hour >= %(since)s AND entry.hour < %(until)s
GROUP BY its.oversight
"""


class Reading:
    """Looks once a minute."""

    def __init__(self, *, send: Send, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._send = send
        self._monotonic = monotonic
        self._looked = float("-inf")

    def look(self, now: datetime) -> int:
        """Tell of reasons asked since, and of the day before in the morning; returns how many mails went out."""
        moment = self._monotonic()
        if moment - self._looked < EVERY:
            return 0
        self._looked = moment
        return self._reasons(now) + self._days(now)

    def _reasons(self, now: datetime) -> int:
        events = [str(Event.OPENED_MANY), str(Event.OPENED_ANOTHERS)]
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_FORGET, {"kept": now - KEPT})
            cursor.execute(_NOTE, {"events": events, "now": now, "since": now - KEPT / 2})
            cursor.execute(_DUE, {"now": now})
            found: dict[tuple[UUID, UUID, bool], list[UUID]] = {}
            for alarm, program, actor, oversight in cursor.fetchall():
                found.setdefault((program, actor, oversight), []).append(alarm)
        told = 0
        for (program, actor, oversight), alarms in found.items():
            if telling.tell(watchers(program, but=actor, oversight=oversight), reason_words(), send=self._send):
                Alarm.objects.filter(kind=AlarmKind.READING, pk__in=alarms).update(due_at=None)
                told += 1
            else:
                log.error("watch.reading_not_told")
        return told

    def _days(self, now: datetime) -> int:
        """Each program's mail of the day before, at eight in the morning."""
        told = 0
        for program in Program.objects.only("pk", "timezone"):
            row = Alarm.objects.filter(program=program, kind=AlarmKind.DAILY, about=program.pk).first()
            if row is None:
                Alarm.objects.bulk_create(
                    [Alarm(program=program, kind=AlarmKind.DAILY, about=program.pk, due_at=_morning(program, now))],
                    ignore_conflicts=True,
                )
            elif row.due_at is not None and row.due_at <= now:
                told += self._day(program, row.due_at, now)
                Alarm.objects.filter(pk=row.pk).update(due_at=_morning(program, now))
        return told

    def _day(self, program: Program, due: datetime, now: datetime) -> int:
        until = due.replace(minute=0, second=0, microsecond=0)
        with connection.cursor() as cursor:
            cursor.execute(
                _OPENED,
                {
                    "program": program.pk,
                    "opened": str(Event.TIP_OPENED),
                    "since": until - timedelta(days=1),
                    "until": until,
                },
            )
            counts = {oversight: (tips, readers) for oversight, tips, readers in cursor.fetchall()}
        told = 0
        for oversight, (tips, readers) in counts.items():
            to = watchers(program.pk, but=None, oversight=oversight)
            told += telling.tell(to, day_words(tips, readers, oversight=oversight), send=self._send)
        return told


def watchers(program_id: UUID, *, but: UUID | None, oversight: bool) -> Iterable[telling.Reach]:
    """The mailboxes of the second person: oversight people, and for the other tips supervisors and auditors too."""
    roles = [Role.OVERSIGHT] if oversight else [Role.OVERSIGHT, Role.SUPERVISOR, Role.AUDITOR]
    members = Membership.objects.filter(program_id=program_id, role__in=roles, user__is_active=True)
    people = [user for user in members.values_list("user_id", flat=True) if user != but]
    found = Contact.objects.filter(program_id=program_id, user_id__in=people, channel=Channel.EMAIL, active=True)
    return telling.opened(found.only("program_id", "channel", "sealed"))


def _morning(program: Program, now: datetime) -> datetime:
    """The next eight o'clock of the program, weekends too: each list tells of one whole day."""
    here = now.astimezone(ZoneInfo(program.timezone))
    eight = here.replace(hour=8, minute=0, second=0, microsecond=0)
    return (eight if here < eight else eight + timedelta(days=1)).astimezone(UTC)


def reason_words() -> Words:
    """Say that somebody gave a reason for reading, and where it stands."""
    return Words(
        _("TL: a reason for reading was given"),
        _(
            "Somebody opened many tips within an hour, or a tip that a colleague has in hand, and wrote why.\n\n"
            "Look at “Who opened what” on the console. The reason stands with the tip.\n\n"
            "This mail has no link, and a mail with one is not ours."
        ),
    )


def day_words(tips: int, readers: int, *, oversight: bool) -> Words:
    """Say how much was opened in a day, without saying what."""
    counted = ngettext("%(n)d tip was opened", "%(n)d tips were opened", tips) % {"n": tips}
    people = ngettext("by %(n)d person", "by %(n)d people", readers) % {"n": readers}
    which = _(", among those about police, school or program") if oversight else ""
    body = _(
        "%(counted)s %(people)s in the last day%(which)s.\n\n"
        "Look at “Who opened what” on the console, and ask about what does not fit.\n\n"
        "This mail has no link, and a mail with one is not ours."
    ) % {"counted": counted, "people": people, "which": which}
    return Words(_("TL: who opened what"), body)
