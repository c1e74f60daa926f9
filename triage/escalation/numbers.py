"""Page numbers: what people say aloud. They roll from 10 to 99; three digits only when all are in use."""

from uuid import UUID

from django.db import connection

from triage.models import Escalation

FIRST, LAST = 10, 99

_NEXT = f"""
INSERT INTO triage_pagecounter (program_id, last) VALUES (%s, {FIRST})
ON CONFLICT (program_id) DO UPDATE
SET last = CASE WHEN triage_pagecounter.last >= {LAST} THEN {FIRST} ELSE triage_pagecounter.last + 1 END
RETURNING last
"""  # noqa: S608  two constants of this file


def next_number(program_id: UUID) -> int:
    """Return a number no running page of the program has; until the transaction ends nobody else gets one."""
    used = None
    for _ in range(FIRST, LAST + 1):
        number = _roll(program_id)
        if used is None:
            running = Escalation.objects.running().filter(program_id=program_id)
            used = set(running.values_list("page_number", flat=True))
        if number not in used:
            return number
    return next(number for number in range(LAST + 1, 32_000) if number not in (used or ()))


def _roll(program_id: UUID) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_NEXT, [program_id])
        number: int = cursor.fetchone()[0]
    return number
