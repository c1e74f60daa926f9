"""Reconciliation: what a committed tip must have and has not, is found and made good.

Each row below is stored in one transaction with what it hangs on, so nothing should ever be missing. A
restored backup, a hand in the database or a fault of ours may still take one; nobody would hear of it.
"""

import logging
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from intake.models import Tip
from triage import rows
from triage.audit import chain
from triage.classify.taxonomy import WORST_FIRST
from triage.escalation import beginning, wake
from triage.escalation.beginning import NewPage

log = logging.getLogger("tipline.triage")

LOCK_SPACE = 0x7265636F  # "reco": two hosts do not repair the same thing together
MOST = 100
"""Repaired in one go; the rest comes a minute later."""

# Neither waiting nor assessed. Whether it said "in danger" went with its due row: so it goes first. Without
# a wrap for a worker host nobody can read it, and it goes to a person as not assessed, urgent.
_DUE = """
INSERT INTO intake_due (id, program_id, tip_id, danger, generation)
SELECT gen_random_uuid(), program_id, id, true, 0 FROM intake_tip tip
WHERE status <> 'erased' AND NOT EXISTS (SELECT 1 FROM intake_due WHERE tip_id = tip.id)
  AND NOT EXISTS (SELECT 1 FROM triage_assessment WHERE tip_id = tip.id)
LIMIT %(most)s ON CONFLICT DO NOTHING RETURNING program_id, tip_id
"""

# Assessed, and on nobody's board: the case has the worst level of its conversation.
_CASE = """
INSERT INTO triage_case (id, program_id, tip_id, oversight, urgency, status, unread, version)
SELECT gen_random_uuid(), program_id, root, EXISTS (
           SELECT 1 FROM intake_wrap WHERE tip_id = root AND purpose = 'oversight'),
       (%(levels)s::text[])[min(array_position(%(levels)s::text[], urgency::text))], 'new', count(*) - 1, 1
FROM (SELECT found.program_id, coalesce(tip.follows_id, tip.id) AS root, found.urgency
      FROM triage_assessment found JOIN intake_tip tip ON tip.id = found.tip_id WHERE tip.status <> 'erased') assessed
WHERE NOT EXISTS (SELECT 1 FROM triage_case WHERE tip_id = root)
GROUP BY program_id, root LIMIT %(most)s ON CONFLICT DO NOTHING RETURNING program_id, tip_id
"""

# Urgent, not opened by anybody, and nobody is woken for it.
_UNPAGED = """
SELECT its.program_id, its.id, found.tip_id, found.urgency, its.oversight
FROM triage_assessment found JOIN intake_tip tip ON tip.id = found.tip_id
JOIN triage_case its ON its.tip_id = coalesce(tip.follows_id, tip.id)
WHERE found.urgency IN ('imminent', 'urgent') AND NOT EXISTS (
    SELECT 1 FROM triage_escalation WHERE tip_id = found.tip_id)
  AND (its.status IN ('new', 'taken') OR (its.status = 'open' AND its.unread > 0))
LIMIT %(most)s
"""


def repair(now: datetime) -> Counter[str]:
    """Make good what is missing; returns how often each kind of row was."""
    made: Counter[str] = Counter()

    def one(part: Callable[[datetime], list[tuple[UUID, UUID]]]) -> None:
        with transaction.atomic():
            if not _alone():
                return
            found = part(now)
            for program, tip in found:
                chain.record(program, chain.Event.MADE_GOOD, now=now, tip=Tip(pk=tip))
        if found:
            made[part.__name__] = len(found)
            # Nothing should be missing, so somebody should look why it was.
            log.error("reconcile.%s %s", part.__name__, len(found))

    rows.one_by_one(one, (due, case, page))
    return made


def due(now: datetime) -> list[tuple[UUID, UUID]]:
    """Put tips before the classifier that are neither waiting nor assessed."""
    return _asked(_DUE)


def case(now: datetime) -> list[tuple[UUID, UUID]]:
    """Put assessed tips on the board that are not there."""
    return _asked(_CASE, levels=[str(level) for level in WORST_FIRST])


def page(now: datetime) -> list[tuple[UUID, UUID]]:
    """Begin the pages of urgent tips that have none."""
    missing = [
        NewPage(program, case, tip, urgency, oversight=oversight)
        for program, case, tip, urgency, oversight in _asked(_UNPAGED)
    ]
    if missing:
        beginning.begin(missing, now=now)
        wake.wake_after_commit(wake.PAGE)
    return [(one.program_id, one.tip_id) for one in missing]


def _asked(statement: str, **values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"most": MOST, **values})
        return list(cursor.fetchall())


def _alone() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, 0)", [LOCK_SPACE])
        row = cursor.fetchone()
    return bool(row and row[0])
