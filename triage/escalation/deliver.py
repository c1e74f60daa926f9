"""Sending one notification: claimed by a lease, sent outside any transaction, its outcome stored.

The row decides who sends. Celery and the escalator may both try; one gets the lease, and who comes
back after losing it finds that its result is no longer wanted.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Q

from tipline.kernel import failpoints, sealing, times
from triage.escalation import codes, contacts, engine, texts, wake
from triage.escalation.carriers import Send
from triage.escalation.senders import Outcome, Outgoing, Result
from triage.models import Channel, Contact, Escalation, EscalationState, Notification, NotificationState

log = logging.getLogger("tipline.escalation")

LEASE = timedelta(seconds=10)
AGAIN = (0, 5, 15, 30)
"""Seconds until a failed attempt is repeated: after the first, the second, …"""
AGAIN_LATER = 60
LONGEST_WAIT = 300.0
"""A carrier may ask for patience, but not for more seconds than this."""

STATES = {
    Outcome.ACCEPTED: NotificationState.ACCEPTED,
    Outcome.FAILED_FOR_NOW: NotificationState.FAILED_FOR_NOW,
    Outcome.FAILED_FOR_GOOD: NotificationState.FAILED_FOR_GOOD,
    Outcome.UNKNOWN: NotificationState.UNKNOWN,
}


def waiting(now: datetime, *, limit: int) -> list[tuple[UUID, str]]:
    """Return (id, channel) of what is due and in nobody's hands, the longest due first."""
    due = Notification.objects.filter(_free(now), due_at__lte=now).order_by("due_at")
    return list(due.values_list("pk", "channel")[:limit])


def deliver(notification_id: UUID, *, send: Send, clock: Callable[[], datetime]) -> Result | None:
    """Send one notification if it is due and nobody else is at it; None if there was nothing to do."""
    note = claim(notification_id, clock())
    if note is None:
        return None
    failpoints.reach("page.claimed")
    result = _send(note, send, clock())
    failpoints.reach("page.sent")
    store(note, result, clock())
    return result


def claim(notification_id: UUID, now: datetime) -> Notification | None:
    """Take the lease of a due notification; None if it is not due, held, or no longer needed."""
    with transaction.atomic():
        free = Notification.objects.filter(_free(now), pk=notification_id, due_at__lte=now)
        note = free.select_for_update(no_key=True, skip_locked=True).first()
        if note is None:
            return None
        state = Escalation.objects.values_list("state", flat=True).get(pk=note.escalation_id)
        wanted = {"page": EscalationState.OPEN, "taken": EscalationState.TAKEN}[note.kind]
        if state != wanted or not Contact.objects.filter(pk=note.contact_id, active=True).exists():
            note.state, note.due_at = NotificationState.SUPERSEDED, None
            note.save(update_fields=["state", "due_at"])
            return None
        note.state = NotificationState.SENDING
        note.lease_owner, note.lease_until = uuid4(), now + LEASE
        note.generation += 1
        note.attempts += 1
        note.save(update_fields=["state", "lease_owner", "lease_until", "generation", "attempts"])
        return note


def store(note: Notification, result: Result, now: datetime) -> bool:
    """Write an attempt's outcome. False if the lease was lost meanwhile: then another's outcome counts."""
    with transaction.atomic():
        mine = Notification.objects.filter(pk=note.pk, lease_owner=note.lease_owner, generation=note.generation)
        row = mine.select_for_update(no_key=True).first()
        if row is None:
            log.warning("notification.late %s", note.pk)
            return False
        row.lease_owner = row.lease_until = None
        row.due_at = None
        row.provider = result.provider[:20]
        row.provider_reference = (result.provider_reference or row.provider_reference)[:80]
        # A delivery receipt may be faster than the answer it belongs to.
        if row.state == NotificationState.SENDING:
            row.state = STATES[result.outcome]
        if row.state in (NotificationState.FAILED_FOR_NOW, NotificationState.FAILED_FOR_GOOD):
            log.warning("notification.%s %s %s %s", row.state, note.pk, result.provider, result.detail)
        else:
            row.accepted_at = _moment(row, now)
        if row.state == NotificationState.FAILED_FOR_NOW:
            row.due_at = now + again_after(row.attempts, result.retry_after)
        row.save()
        _mark_contact(row, result)
    _move_on(row, now)
    return True


def again_after(attempts: int, retry_after: float | None = None) -> timedelta:
    """Return how long to wait after so many failed attempts; the carrier's own wish if that is longer."""
    own = AGAIN[attempts - 1] if attempts <= len(AGAIN) else AGAIN_LATER
    return timedelta(seconds=max(own, min(retry_after or 0.0, LONGEST_WAIT)))


def _move_on(note: Notification, now: datetime) -> None:
    """Let the ladder answer a failure: the person's other channels, or the next person, at once."""
    if note.kind == "page" and note.state == NotificationState.UNKNOWN and not engine.by_other_means(note, now):
        # No other way to this person: a second page beats silence.
        again = Notification.objects.filter(pk=note.pk, state=NotificationState.UNKNOWN)
        again.update(due_at=now + again_after(note.attempts + 1))
    if note.kind == "page" and note.state == NotificationState.FAILED_FOR_GOOD:
        engine.by_other_means(note, now)
        engine.hurry(note, now)
    if note.state not in (NotificationState.ACCEPTED, NotificationState.DELIVERED):
        wake.wake_after_commit(wake.PAGE)


def _send(note: Notification, send: Send, now: datetime) -> Result:
    contact = Contact.objects.only("program_id", "sealed").get(pk=note.contact_id)
    escalation = Escalation.objects.only("page_number", "next_at").get(pk=note.escalation_id)
    try:
        address = contacts.open_address(contact)
    except sealing.SealBroken:
        return Result(Outcome.FAILED_FOR_GOOD, "none", detail="contact_unreadable", address_is_bad=True)
    wait = (escalation.next_at - now).total_seconds() if escalation.next_at else 0.0
    subject, body = text(note, escalation.page_number, wait)
    return send(note.channel, Outgoing(reference=note.pk.hex, to=address, body=body, subject=subject))


def text(note: Notification, number: int, wait: float) -> tuple[str | None, str]:
    """Return subject (None for an SMS) and body; `wait` is the seconds until the next person is told."""
    if note.channel == Channel.EMAIL:
        return texts.mail_taken(number) if note.kind == "taken" else texts.mail_page(number, wait)
    if note.kind == "taken":
        return None, texts.sms_taken(number)
    return None, texts.sms_page(number, codes.code_for(note.pk), wait)


def _moment(note: Notification, now: datetime) -> datetime:
    running = Escalation.objects.running().filter(pk=note.escalation_id).exists()
    return now if running else times.hour(now)


def _mark_contact(note: Notification, result: Result) -> None:
    if result.address_is_bad:
        Contact.objects.filter(pk=note.contact_id).update(failing=True)
    elif result.outcome == Outcome.ACCEPTED:
        Contact.objects.filter(pk=note.contact_id, failing=True).update(failing=False)


def _free(now: datetime) -> Q:
    return Q(lease_until=None) | Q(lease_until__lt=now)
