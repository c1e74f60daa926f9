"""What Celery runs. Each task takes an id and may run any number of times: the row's lease decides."""

from uuid import UUID

from celery import shared_task
from celery.signals import worker_init
from django.conf import settings

from triage import actions
from triage import assess as reading
from triage.escalation import carriers, wake
from triage.escalation import deliver as delivery


@worker_init.connect  # type: ignore[untyped-decorator]
def get_ready(**_: object) -> None:
    """Load the rules once, before the worker's children are made: they share them."""
    if settings.ROLE == "triage":
        reading.warm_up()


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
    delivery.deliver(UUID(notification_id), send=carriers.send)


def _assess(due_id: str) -> None:
    try:
        assessed = actions.assess_due(UUID(due_id))
    except actions.LeaseLost:
        return
    if assessed is not None and assessed.pages:
        wake.wake(wake.PAGE)
