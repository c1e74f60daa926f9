"""Sending one notification: claimed by a lease, sent outside any transaction, its outcome stored.

The row decides who sends. Celery and the escalator may both try; one gets the lease, and who comes
back after losing it finds that its result is no longer wanted.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.db import InterfaceError, OperationalError, connection

from tipline.kernel import failpoints, sealing
from triage.escalation import codes, contacts, engine, texts, wake
from triage.escalation.carriers import Send
from triage.escalation.senders import Outcome, Outgoing, Result
from triage.models import Channel, Contact, Notification, NotificationState

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


@dataclass(frozen=True, slots=True)
class Claimed:
    """A notification in this sender's hands, with what it takes to send it."""

    note: Notification
    now: datetime
    contact: Contact
    page_number: int
    next_in: float


_CLAIM = """
WITH free AS (
    SELECT id, coalesce(%(now)s, clock_timestamp()) AS now FROM triage_notification
    WHERE id = %(note)s AND due_at <= coalesce(%(now)s, clock_timestamp())
      AND (lease_until IS NULL OR lease_until < coalesce(%(now)s, clock_timestamp()))
    FOR NO KEY UPDATE SKIP LOCKED
), found AS (
    SELECT free.id, free.now, page.page_number, page.next_at, contact.sealed, contact.failing,
           contact.active AND page.state = CASE note.kind WHEN 'taken' THEN 'taken' ELSE 'open' END AS wanted
    FROM free JOIN triage_notification note ON note.id = free.id
    JOIN triage_escalation page ON page.id = note.escalation_id
    JOIN triage_contact contact ON contact.id = note.contact_id
)
UPDATE triage_notification note SET
    state = CASE WHEN wanted THEN 'sending' ELSE 'superseded' END,
    due_at = CASE WHEN wanted THEN due_at END,
    lease_owner = CASE WHEN wanted THEN %(owner)s::uuid END,
    lease_until = CASE WHEN wanted THEN now + make_interval(secs => %(lease)s) END,
    generation = generation + 1,
    attempts = attempts + CASE WHEN wanted THEN 1 ELSE 0 END
FROM found WHERE note.id = found.id
RETURNING wanted, now, note.program_id, escalation_id, user_id, contact_id, channel, kind, step, loop,
          attempts, generation, page_number, next_at, sealed, failing
"""

# A delivery receipt may be faster than the answer it belongs to: then its word stands.
# What is stored after the opening carries the hour only.
_STORE = """
UPDATE triage_notification note SET
    lease_owner = NULL,
    lease_until = NULL,
    state = CASE WHEN note.state = 'sending' THEN %(state)s ELSE note.state END,
    due_at = CASE WHEN note.state = 'sending'
        THEN coalesce(%(now)s, clock_timestamp()) + make_interval(secs => %(again)s) END,
    provider = %(provider)s,
    provider_reference = %(reference)s,
    accepted_at = CASE WHEN NOT %(out)s THEN accepted_at
        WHEN page.state = 'ended' THEN date_trunc('hour', coalesce(%(now)s, clock_timestamp()), 'UTC')
        ELSE coalesce(%(now)s, clock_timestamp()) END
FROM triage_escalation page
WHERE page.id = note.escalation_id AND note.id = %(note)s AND note.lease_owner = %(owner)s
  AND note.generation = %(generation)s
RETURNING note.state, coalesce(%(now)s, clock_timestamp())
"""


def waiting(*, limit: int, now: datetime | None = None) -> list[tuple[UUID, str]]:
    """Return (id, channel) of what is due and in nobody's hands, the longest due first.

    Without `now` the database's clock counts, here and below.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, channel FROM triage_notification WHERE due_at <= coalesce(%(now)s, clock_timestamp())"
            " AND (lease_until IS NULL OR lease_until < coalesce(%(now)s, clock_timestamp()))"
            " ORDER BY due_at LIMIT %(limit)s",
            {"now": now, "limit": limit},
        )
        return [(pk, channel) for pk, channel in cursor.fetchall()]


def deliver(notification_id: UUID, *, send: Send, now: datetime | None = None) -> Result | None:
    """Send one notification if it is due and nobody else is at it; None if there was nothing to do."""
    claimed = claim(notification_id, now)
    if claimed is None:
        return None
    failpoints.reach("page.claimed")
    result = _send(claimed, send)
    failpoints.reach("page.sent")
    try:
        store(claimed, result, now)
    except (OperationalError, InterfaceError):
        # PostgreSQL was restarted meanwhile. What is not written down would be sent again.
        connection.close()
        store(claimed, result, now)
    return result


def claim(notification_id: UUID, now: datetime | None = None) -> Claimed | None:
    """Take the lease of a due notification; None if it is not due, held, or no longer needed."""
    owner = uuid4()
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, {"note": notification_id, "owner": owner, "lease": LEASE.total_seconds(), "now": now})
        row = cursor.fetchone()
    if row is None or not row[0]:
        return None
    _, moment, program_id, escalation_id, user_id, contact_id, channel, kind, step, loop = row[:10]
    attempts, generation, page_number, next_at, sealed, failing = row[10:]
    note = Notification(
        pk=notification_id,
        program_id=program_id,
        escalation_id=escalation_id,
        user_id=user_id,
        contact_id=contact_id,
        channel=channel,
        kind=kind,
        step=step,
        loop=loop,
        attempts=attempts,
        generation=generation,
        lease_owner=owner,
    )
    contact = Contact(pk=contact_id, program_id=program_id, sealed=sealed, failing=failing)
    return Claimed(note, moment, contact, page_number, (next_at - moment).total_seconds() if next_at else 0.0)


def store(claimed: Claimed, result: Result, now: datetime | None = None) -> bool:
    """Write an attempt's outcome. False if the lease was lost meanwhile: then another's outcome counts."""
    note, state = claimed.note, STATES[result.outcome]
    again = None
    if result.outcome is Outcome.FAILED_FOR_NOW:
        again = again_after(note.attempts, result.retry_after).total_seconds()
    with connection.cursor() as cursor:
        cursor.execute(
            _STORE,
            {
                "note": note.pk,
                "owner": note.lease_owner,
                "generation": note.generation,
                "state": str(state),
                "again": again,
                "provider": result.provider[:20],
                "reference": (result.provider_reference or "")[:80],
                "out": result.outcome in (Outcome.ACCEPTED, Outcome.UNKNOWN),
                "now": now,
            },
        )
        row = cursor.fetchone()
    if row is None:
        log.warning("notification.late %s", note.pk)
        return False
    note.state, moment = NotificationState(row[0]), row[1]
    if result.outcome is not Outcome.ACCEPTED:
        log.warning("notification.%s %s %s %s", result.outcome, note.pk, result.provider, result.detail)
        _move_on(note, moment)
    _mark_contact(claimed.contact, result)
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
    wake.wake_after_commit(wake.PAGE)


def _send(claimed: Claimed, send: Send) -> Result:
    note = claimed.note
    try:
        address = contacts.open_address(claimed.contact)
    except sealing.SealBroken:
        return Result(Outcome.FAILED_FOR_GOOD, "none", detail="contact_unreadable", address_is_bad=True)
    subject, body = text(note, claimed.page_number, claimed.next_in)
    return send(note.channel, Outgoing(reference=note.pk.hex, to=address, body=body, subject=subject))


def text(note: Notification, number: int, wait: float) -> tuple[str | None, str]:
    """Return subject (None for an SMS) and body; `wait` is the seconds until the next person is told."""
    if note.channel == Channel.EMAIL:
        return texts.mail_taken(number) if note.kind == "taken" else texts.mail_page(number, wait)
    if note.kind == "taken":
        return None, texts.sms_taken(number)
    return None, texts.sms_page(number, codes.code_for(note.pk), wait)


def _mark_contact(contact: Contact, result: Result) -> None:
    failing = result.address_is_bad
    if failing != contact.failing and (failing or result.outcome is Outcome.ACCEPTED):
        Contact.objects.filter(pk=contact.pk).update(failing=failing)
