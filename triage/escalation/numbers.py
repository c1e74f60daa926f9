"""Page numbers: what people say aloud. They roll from 10 to 99; three digits only when all are in use."""

from uuid import UUID

from django.db import connection

from triage.models import Escalation, PageCounter

FIRST, LAST = 10, 99

# The counter's row stays locked until the transaction ends, so two pages never get one number.
_NEXT = f"""
WITH counter AS (
    INSERT INTO triage_pagecounter (program_id, last) VALUES (%(program)s, {FIRST})
    ON CONFLICT (program_id) DO UPDATE
    SET last = CASE WHEN triage_pagecounter.last >= {LAST} THEN {FIRST} ELSE triage_pagecounter.last + 1 END
    RETURNING last
)
SELECT last, EXISTS (
    SELECT 1 FROM triage_escalation
    WHERE program_id = %(program)s AND state <> 'ended' AND page_number = last
) FROM counter
"""  # noqa: S608  two constants of this file


def next_number(program_id: UUID) -> int:
    """Return a number no running page of the program has; until the transaction ends nobody else gets one."""
    with connection.cursor() as cursor:
        cursor.execute(_NEXT, {"program": program_id})
        rolled, in_use = cursor.fetchone()
    last: int = rolled
    if not in_use:
        return last
    running = Escalation.objects.running().filter(program_id=program_id)
    used: set[int] = set(running.values_list("page_number", flat=True))
    rolling: list[int] = [*range(last + 1, LAST + 1), *range(FIRST, last)]
    free = next((number for number in rolling if number not in used), None)
    if free is not None:
        PageCounter.objects.filter(program_id=program_id).update(last=free)
        return free
    return next(iter(sorted(set(range(LAST + 1, LAST + 2 + len(used))) - used)))
