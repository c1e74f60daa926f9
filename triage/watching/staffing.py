"""Whether anybody would hear a page: who is on call, and by what they can be reached.

The ladder copes by itself (whoever can be reached is told at once); this tells the administrator, once
for each such state and whatever the number of tips.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db import connection
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from intake.models import CANARY
from triage.escalation.carriers import Send
from triage.escalation.texts import Words
from triage.models import Alarm, AlarmKind
from triage.watching import telling

log = logging.getLogger("tipline.watch")

EVERY = 15.0
PATIENCE = timedelta(seconds=30)
"""Somebody changes the rota: for a moment nobody is on it."""

_FOUND = """
WITH member AS (
    SELECT membership.program_id, membership.user_id, membership.role = 'oversight' AS oversight
    FROM triage_membership membership JOIN triage_user person ON person.id = membership.user_id WHERE person.is_active
      AND membership.role IN ('coordinator', 'supervisor', 'oversight')
), live AS (
    SELECT DISTINCT program_id, user_id, channel FROM triage_contact WHERE active
), duty AS (
    -- Whoever is on the rota at any hour: what is wrong with tomorrow's number is to be mended today.
    SELECT program_id, user_id FROM triage_oncall JOIN member USING (program_id, user_id)
    WHERE NOT EXISTS (SELECT 1 FROM triage_shift shift WHERE shift.program_id = triage_oncall.program_id)
    UNION SELECT program_id, user_id FROM triage_shift JOIN member USING (program_id, user_id)
    UNION SELECT program_id, user_id FROM triage_cover JOIN member USING (program_id, user_id)
)
SELECT 'nobody_on_call', id, id FROM intake_program program
WHERE NOT EXISTS (SELECT 1 FROM triage_on_call(program.id, coalesce(%(now)s::timestamptz, clock_timestamp())) present
                  JOIN member ON member.program_id = program.id AND member.user_id = present.user_id
                  WHERE NOT oversight)
UNION ALL
SELECT 'nobody_reachable', id, id FROM intake_program program
WHERE NOT EXISTS (SELECT 1 FROM member JOIN live USING (program_id, user_id)
                  WHERE program_id = program.id AND NOT oversight)
UNION ALL
SELECT 'no_oversight', id, id FROM intake_program program
WHERE NOT EXISTS (SELECT 1 FROM member JOIN live USING (program_id, user_id)
                  WHERE program_id = program.id AND oversight)
UNION ALL
SELECT 'unreachable', program_id, user_id FROM duty
WHERE NOT EXISTS (SELECT 1 FROM live WHERE program_id = duty.program_id AND user_id = duty.user_id)
UNION ALL
SELECT 'switched_off', contact.program_id, contact.id FROM triage_contact contact JOIN duty USING (program_id, user_id)
WHERE NOT active AND NOT EXISTS (
    SELECT 1 FROM live
    WHERE program_id = contact.program_id AND user_id = contact.user_id AND channel = contact.channel)
UNION ALL
SELECT 'failing', contact.program_id, contact.id FROM triage_contact contact JOIN duty USING (program_id, user_id)
WHERE active AND failing
"""


class State(NamedTuple):
    """Something that is not as it should be, in a program, about one of it."""

    kind: str
    program_id: UUID
    about: UUID


def states(now: datetime | None = None) -> set[State]:
    """Return what is not as it should be now, by the database's clock if no time is handed in."""
    with connection.cursor() as cursor:
        cursor.execute(_FOUND, {"now": now})
        # The canary's program is staffed by no person, and needs none.
        return {state for state in (State(*row) for row in cursor.fetchall()) if state.program_id != CANARY}


class Staffing:
    """Looks at who is on call and tells the administrator what is new."""

    def __init__(self, *, send: Send, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._send = send
        self._monotonic = monotonic
        self._looked = float("-inf")

    def look(self, now: datetime) -> int:
        """Tell of what lasts and was not told; returns of how many states."""
        moment = self._monotonic()
        if moment - self._looked < EVERY:
            return 0
        self._looked = moment
        found = states(now)
        known = Alarm.objects.filter(kind__in=SENTENCES)
        over = [alarm.pk for alarm in known if State(alarm.kind, alarm.program_id, alarm.about) not in found]
        Alarm.objects.filter(pk__in=over).delete()
        fresh = [Alarm(due_at=now + PATIENCE, **state._asdict()) for state in found]
        Alarm.objects.bulk_create(fresh, ignore_conflicts=True)
        by_program: dict[UUID, list[Alarm]] = {}
        for alarm in known.filter(due_at__lte=now):
            by_program.setdefault(alarm.program_id, []).append(alarm)
        return sum(self._tell(program, alarms) for program, alarms in by_program.items())

    def _tell(self, program_id: UUID, alarms: list[Alarm]) -> int:
        kinds = Counter(alarm.kind for alarm in alarms)
        log.error("watch.staffing %s", ", ".join(sorted(kinds)))
        to = telling.administrators(program_id)
        if not to:
            log.error("watch.nobody_to_tell")
        if not telling.tell(to, words(kinds), send=self._send):
            return 0
        Alarm.objects.filter(pk__in=[alarm.pk for alarm in alarms]).update(due_at=None)
        return len(alarms)


SENTENCES = {
    AlarmKind.NOBODY_ON_CALL: gettext_lazy("Nobody is on call. Until somebody is, every page wakes everybody."),
    AlarmKind.NOBODY_REACHABLE: gettext_lazy("Nobody can be reached at all: a page now would reach no person."),
    AlarmKind.NO_OVERSIGHT: gettext_lazy(
        "No oversight person can be reached: a page about police, school or program would reach no person."
    ),
    AlarmKind.UNREACHABLE: gettext_lazy(
        "People on call without any number or address: %(count)d. The next ones are told instead."
    ),
    AlarmKind.SWITCHED_OFF: gettext_lazy(
        "Numbers or addresses of people on call that are switched off, perhaps by STOP: %(count)d."
    ),
    AlarmKind.FAILING: gettext_lazy("Numbers or addresses of people on call that do not work: %(count)d."),
}


def words(kinds: Counter[str]) -> Words:
    """Say what is wrong, without a name and without a link."""
    said = "\n".join(
        "- " + str(sentence) % {"count": kinds[kind]} for kind, sentence in SENTENCES.items() if kinds[kind]
    )
    body = _(
        "Somebody should look at who is on call:\n\n%(said)s\n\n"
        "Ask the people on call what they can be reached by, and set it right.\n\n"
        "This mail has no link, and a mail with one is not ours. It comes once for each of these."
    ) % {"said": said}
    return Words(_("TL watch: who is on call"), body)
