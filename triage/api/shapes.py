"""What the API of the console says of a case: what stands in clear, and nothing sealed."""

from datetime import datetime
from typing import Any

from triage.console import labels
from triage.models import Case, Escalation, EscalationState


def case(found: Case, page: Escalation | None, *, now: datetime) -> dict[str, Any]:
    """One case of the list, with its running page, if there is one."""
    return {
        "id": str(found.pk),
        "reference": labels.reference(found.pk),
        "level": found.urgency,
        "status": found.status,
        "unread": found.unread,
        "week": found.tip.week.isoformat(),
        "taken_by": found.taken_by.name if found.taken_by else None,
        "page": _page(page, now) if page else None,
    }


def _page(page: Escalation, now: datetime) -> dict[str, Any]:
    return {
        "number": page.page_number,
        "level": page.urgency,
        "taken": page.state == EscalationState.TAKEN,
        "seconds": max(0, int((now - page.opened_at).total_seconds())),
    }
