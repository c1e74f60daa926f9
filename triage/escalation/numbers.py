"""Page numbers: what people say aloud. They roll from 10 to 99; three digits only when all are in use."""

from uuid import UUID

from triage import rows
from triage.models import Escalation, PageCounter

FIRST, LAST = 10, 99

# The counter's row stays locked until the transaction ends, so two pages never get one number.
_NEXT = f"""
WITH counter AS (
    INSERT INTO triage_pagecounter (program_id, last) VALUES (%(program)s, {FIRST - 1} + %(count)s)
    ON CONFLICT (program_id) DO UPDATE
    SET last = {FIRST} + (triage_pagecounter.last - {FIRST} + %(count)s) %% {LAST - FIRST + 1}
    RETURNING last
), rolled AS (
    SELECT {FIRST} + (last - {FIRST} - back + {LAST - FIRST + 1}) %% {LAST - FIRST + 1} AS number
    FROM counter, generate_series(%(count)s - 1, 0, -1) AS back
)
SELECT array_agg(number), EXISTS (
    SELECT 1 FROM triage_escalation
    WHERE program_id = %(program)s AND state <> 'ended' AND page_number IN (SELECT number FROM rolled)
) FROM rolled
"""  # noqa: S608  two constants of this file


def next_numbers(program_id: UUID, count: int) -> list[int]:
    """Return numbers no running page of the program has; until the transaction ends nobody else gets any."""
    rolled, in_use = rows.run(_NEXT, {"program": program_id, "count": count})[0]
    first: int = rolled[0]
    if not in_use:
        return list(rolled)
    running = Escalation.objects.running().filter(program_id=program_id)
    used: set[int] = set(running.values_list("page_number", flat=True))
    rolling = [*range(first, LAST + 1), *range(FIRST, first)]
    free = [number for number in rolling if number not in used][:count]
    if free:
        PageCounter.objects.filter(program_id=program_id).update(last=free[-1])
    more = sorted(set(range(LAST + 1, LAST + 1 + len(used) + count)) - used)
    return [*free, *more[: count - len(free)]]
