"""What Celery runs. Each task takes ids, one or a few, and may run any number of times.

Each row's lease decides by itself: what a run has not come to yet is free for an escalator.
"""

import sys
from collections.abc import Sequence
from functools import cache
from uuid import UUID

from celery import current_app, shared_task
from celery.signals import worker_init, worker_process_init, worker_shutdown
from django.conf import settings

from tipline import evicting, memory, unlogged
from triage import actions
from triage import assess as reading
from triage.escalation import carriers, wake
from triage.escalation.handover import Publisher, hand_on
from triage.escalation.sending import Sending
from triage.rows import one_by_one
from triage.watching import workers  # noqa: F401  each says that it lives


@worker_init.connect  # type: ignore[untyped-decorator]
def get_ready(**_: object) -> None:
    """Refuse a broker that drops messages; load the rules once, for all children of this worker."""
    try:
        evicting.refuse(current_app)
    except evicting.BrokerEvicts as fault:
        # The escalators do the work meanwhile.
        sys.exit(str(fault))
    unlogged.refuse([*unlogged.of_celery(current_app.conf), *unlogged.of_django(), *unlogged.of_reporters()])
    if settings.ROLE == "triage":
        reading.warm_up()


@worker_process_init.connect  # type: ignore[untyped-decorator]
def keep_in_memory(**_: object) -> None:
    """Keep a child's memory from being swapped out: a fork undoes what its parent did."""
    memory.lock()


@shared_task(acks_late=True, ignore_result=True)  # type: ignore[untyped-decorator]
def assess(*due_ids: str) -> None:
    """Assess waiting tips (the lane of the oldest)."""
    one_by_one(_assess, [due_ids])


@shared_task(acks_late=True, ignore_result=True)  # type: ignore[untyped-decorator]
def assess_newest(*due_ids: str) -> None:
    """Assess waiting tips (the lane of the newest)."""
    one_by_one(_assess, [due_ids])


@shared_task(acks_late=True, ignore_result=True)  # type: ignore[untyped-decorator]
def deliver(*notification_ids: str) -> None:
    """Send pages that are due."""
    one_by_one(_deliver, [notification_ids])


def _deliver(notification_ids: Sequence[str]) -> None:
    _sending().take([UUID(notification_id) for notification_id in notification_ids])


@cache
def _sending() -> Sending:
    return Sending(carriers.send)


@worker_shutdown.connect  # type: ignore[untyped-decorator]
def finish(**_: object) -> None:
    """Finish what is being sent before the worker ends."""
    if settings.ROLE == "page":
        _sending().close()


def _assess(due_ids: Sequence[str]) -> None:
    assessed = actions.assess_together([UUID(due_id) for due_id in due_ids])
    notes = [note for one in assessed for note in one.notes]
    # On to the page at once; where no broker takes it, its escalator is told.
    if notes and not hand_on(notes, _publisher().offer):
        wake.wake(wake.PAGE)


@cache
def _publisher() -> Publisher:
    return Publisher()
