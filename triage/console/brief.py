"""What the board knows of a case: enough to choose, order, count and show it.

Which fifty of 2,000 open cases it shows hangs on what is sealed, so it looks at all of them; a model for
each took longer to make than all the rest of the page.
"""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db.models import QuerySet

from triage.models import Case


class Brief(NamedTuple):
    """A case in so far as the board chooses by it; its names are those of the model."""

    pk: UUID
    program_id: UUID
    tip_id: UUID
    oversight: bool
    urgency: str
    status: str
    taken_by_id: UUID | None
    unread: int
    version: int
    incident: UUID | None
    apart: bool
    waiting: bool
    handed: bool
    look_again_at: datetime | None
    holder: str | None  # the name of whoever has it


_COLUMNS = (*Brief._fields[:-1], "taken_by__name")


def briefs(cases: QuerySet[Case]) -> list[Brief]:
    """Return the cases of a query in brief, in its order."""
    return [Brief._make(row) for row in cases.values_list(*_COLUMNS)]
