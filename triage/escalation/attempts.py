"""What was tried to reach people about a page: read from rows that nobody changes."""

from triage.models import Attempt, Escalation


def of(*escalations: Escalation) -> list[Attempt]:
    """Return every try of these pages in the order of its ladder, with notification and person at hand.

    Rows carry the hour, never the minute, so within a step the order is by channel, person and number.
    """
    found = Attempt.objects.filter(notification__escalation__in=escalations)
    order = ("loop", "step", "channel", "user_id", "id")
    return list(
        found.select_related("notification__user").order_by(*(f"notification__{name}" for name in order), "number")
    )
