"""What Celery runs. Each task takes an id and may run any number of times: the row's lease decides."""

from uuid import UUID

from celery import shared_task

from tipline.kernel.clock import database_now
from triage import actions
from triage.escalation import carriers, wake
from triage.escalation import deliver as delivery


@shared_task(acks_late=True, ignore_result=True)  # type: ignore[untyped-decorator]
def assess(due_id: str) -> None:
    """Assess a waiting tip (the lane of the oldest)."""
    _assess(due_id)


@shared_task(acks_late=True, ignore_result=True)  # type: ignore[untyped-decorator]
def assess_newest(due_id: str) -> None:
    """Assess a waiting tip (the lane of the newest)."""
    _assess(due_id)


@shared_task(acks_late=True, ignore_result=True)  # type: ignore[untyped-decorator]
def deliver(notification_id: str) -> None:
    """Send a page that is due."""
    delivery.deliver(UUID(notification_id), send=carriers.send, clock=database_now)


def _assess(due_id: str) -> None:
    try:
        assessed = actions.assess_due(UUID(due_id), clock=database_now)
    except actions.LeaseLost:
        return
    if assessed is not None and assessed.pages:
        wake.wake(wake.PAGE)
