"""Sending notifications: claimed by a lease, sent outside any transaction, the outcomes stored.

The row decides who sends. Celery and the escalator may both try; one gets the lease, and who comes
back after losing it finds that its result is no longer wanted. Rows that come together are claimed
with one statement, and outcomes that come together are stored with one (triage.escalation.sending).
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from tipline.kernel import failpoints, sealing
from triage import owners, rows
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
    storm: texts.Storm | None = None


# A claim waits for no disk: lost with a crash of the database, it is as if it had lapsed.
_CLAIM = """
WITH free AS (
    SELECT id, coalesce(%(now)s::timestamptz, clock_timestamp()) AS now
    FROM triage_notification, (SELECT set_config('synchronous_commit', 'off', true)) AS quickly
    WHERE id = ANY(%(notes)s::uuid[]) AND due_at <= coalesce(%(now)s::timestamptz, clock_timestamp())
      AND (lease_until IS NULL OR lease_until < coalesce(%(now)s::timestamptz, clock_timestamp()))
    FOR NO KEY UPDATE OF triage_notification SKIP LOCKED
), found AS (
    SELECT free.id, free.now, page.page_number, page.next_at, contact.sealed, contact.failing,
           storm.pages, storm.events, storm.since, contact.active AND CASE note.kind WHEN 'digest' THEN storm.joined
               WHEN 'taken' THEN page.state = 'taken' ELSE page.state = 'open' END AS wanted
    FROM free JOIN triage_notification note ON note.id = free.id
    JOIN triage_escalation page ON page.id = note.escalation_id
    JOIN triage_contact contact ON contact.id = note.contact_id
    LEFT JOIN LATERAL (
        SELECT count(*) AS pages, count(DISTINCT coalesce(each.incident, each.id)) AS events,
               min(each.opened_at) AS since, coalesce(bool_or(each.joins), false) AS joined
        FROM triage_escalation each JOIN triage_case its ON its.id = each.case_id
        WHERE note.kind = 'digest' AND each.program_id = note.program_id AND each.state = 'open'
          AND its.oversight = (SELECT oversight FROM triage_case WHERE id = page.case_id)
    ) storm ON note.kind = 'digest'
)
UPDATE triage_notification note SET
    state = CASE WHEN wanted THEN 'sending' ELSE 'superseded' END,
    due_at = CASE WHEN wanted THEN due_at END,
    lease_owner = CASE WHEN wanted THEN %(owner)s::uuid END,
    lease_until = CASE WHEN wanted THEN now + make_interval(secs => %(lease)s) END,
    generation = generation + 1,
    attempts = attempts + CASE WHEN wanted THEN 1 ELSE 0 END
FROM found WHERE note.id = found.id
RETURNING wanted, now, note.id, note.program_id, escalation_id, user_id, contact_id, channel, kind, step, loop,
          attempts, generation, page_number, next_at, sealed, failing, pages, events, since
"""

# A delivery receipt may be faster than the answer it belongs to: then its word stands.
# What is stored after the opening carries the hour only. A try whose lease was lost was a try all the same.
_STORE = """
WITH result AS (
    SELECT * FROM unnest(%(notes)s::uuid[], %(owners)s::uuid[], %(generations)s::int[], %(states)s::text[],
                         %(agains)s::float[], %(providers)s::text[], %(references)s::text[], %(outs)s::bool[])
        AS result(note, owner, lease, state, again, provider, reference, out)
), held AS (
    SELECT result.*, note.escalation_id AS page FROM result JOIN triage_notification note ON note.id = result.note
    WHERE note.lease_owner = result.owner AND note.generation = result.lease
    ORDER BY note.id FOR NO KEY UPDATE OF note
), tried AS (
    INSERT INTO triage_attempt (id, program_id, notification_id, number, provider, result, hour)
    SELECT gen_random_uuid(), note.program_id, note.id, result.lease, result.provider, result.state,
           date_trunc('hour', coalesce(%(now)s::timestamptz, clock_timestamp()), 'UTC')
    FROM result JOIN triage_notification note ON note.id = result.note
    ON CONFLICT DO NOTHING
)
UPDATE triage_notification note SET
    lease_owner = NULL,
    lease_until = NULL,
    state = CASE WHEN note.state = 'sending' THEN held.state ELSE note.state END,
    due_at = CASE WHEN note.state = 'sending'
        THEN coalesce(%(now)s::timestamptz, clock_timestamp()) + make_interval(secs => held.again) END,
    provider = held.provider,
    provider_reference = held.reference,
    accepted_at = CASE WHEN NOT held.out THEN note.accepted_at
        WHEN page.state = 'ended' THEN date_trunc('hour', coalesce(%(now)s::timestamptz, clock_timestamp()), 'UTC')
        ELSE coalesce(%(now)s::timestamptz, clock_timestamp()) END
FROM held JOIN triage_escalation page ON page.id = held.page
WHERE note.id = held.note
RETURNING note.id, note.state, coalesce(%(now)s::timestamptz, clock_timestamp())
"""

_DUE = """
SELECT id, channel FROM triage_notification WHERE due_at <= coalesce(%(now)s::timestamptz, clock_timestamp())
AND (lease_until IS NULL OR lease_until < coalesce(%(now)s::timestamptz, clock_timestamp()))
ORDER BY due_at LIMIT %(limit)s
"""

Sent = tuple[Claimed, Result]


def waiting(*, limit: int, now: datetime | None = None) -> list[tuple[UUID, str]]:
    """Return (id, channel) of what is due and in nobody's hands, the longest due first.

    Without `now` the database's clock counts, here and below.
    """
    return [(pk, channel) for pk, channel in rows.run(_DUE, {"now": now, "limit": limit})]


def deliver(notification_id: UUID, *, send: Send, now: datetime | None = None) -> Result | None:
    """Send one notification if it is due and nobody else is at it; None if there was nothing to do."""
    return next(iter(deliver_together([notification_id], send=send, now=now)), None)


def deliver_together(notification_ids: Sequence[UUID], *, send: Send, now: datetime | None = None) -> list[Result]:
    """Send those of these notifications that are due and that nobody else is at, one after the other."""
    results = []
    for claimed in claim(notification_ids, now):
        if sent := carry(claimed, send):
            store([sent], now)
            results.append(sent[1])
    return results


def claim(notification_ids: Sequence[UUID], now: datetime | None = None) -> list[Claimed]:
    """Take the leases of due notifications; those not due, held, or no longer needed are left out."""
    owner = owners.new()
    values = {"notes": list(notification_ids), "owner": owner, "lease": LEASE.total_seconds(), "now": now}
    return [_claimed(owner, *row) for wanted, *row in rows.run(_CLAIM, values) if wanted]


def carry(claimed: Claimed, send: Send) -> Sent | None:
    """Send what was claimed just now; None if something of ours broke: its lease lapses, and it is tried again."""
    try:
        result = _send(claimed, send)
    except Exception as fault:
        # The name only: a message may quote what was sent.
        log.error("notification.failed %s %s", claimed.note.pk, type(fault).__name__)
        return None
    failpoints.reach("page.sent")
    return claimed, result


def store(sent: Sequence[Sent], now: datetime | None = None) -> set[UUID]:
    """Write the outcomes of attempts; returns whose counted: where a lease was lost, another's outcome does."""
    values = {
        "notes": [claimed.note.pk for claimed, _ in sent],
        "owners": [claimed.note.lease_owner for claimed, _ in sent],
        "generations": [claimed.note.generation for claimed, _ in sent],
        "states": [str(STATES[result.outcome]) for _, result in sent],
        "agains": [_again(claimed.note, result) for claimed, result in sent],
        "providers": [result.provider[:20] for _, result in sent],
        "references": [(result.provider_reference or "")[:80] for _, result in sent],
        "outs": [result.outcome in (Outcome.ACCEPTED, Outcome.UNKNOWN) for _, result in sent],
        "now": now,
    }
    stored = {pk: (state, moment) for pk, state, moment in rows.run(_STORE, values)}
    for claimed, result in sent:
        note = claimed.note
        if note.pk not in stored:
            log.warning("notification.late %s", note.pk)
            continue
        state, moment = stored[note.pk]
        note.state = NotificationState(state)
        if result.outcome is not Outcome.ACCEPTED:
            log.warning("notification.%s %s %s %s", result.outcome, note.pk, result.provider, result.detail)
            _move_on(note, moment)
        _mark_contact(claimed.contact, result)
    return set(stored)


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
    if note.kind == "digest" and note.state == NotificationState.FAILED_FOR_GOOD:
        engine.hurry(note, now)
    if note.kind == "page" and note.state == NotificationState.FAILED_FOR_GOOD:
        engine.by_other_means(note, now)
        engine.hurry(note, now)
    wake.wake_after_commit(wake.PAGE)


def _claimed(owner: UUID, *row: Any) -> Claimed:
    moment, note_id, program_id, escalation_id, user_id, contact_id, channel, kind, step, loop = row[:10]
    attempts, generation, page_number, next_at, sealed, failing, pages, events, since = row[10:]
    note = Notification(
        pk=note_id,
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
    storm = texts.Storm(pages, events, (moment - since).total_seconds()) if kind == "digest" else None
    return Claimed(note, moment, contact, page_number, (next_at - moment).total_seconds() if next_at else 0.0, storm)


def _again(note: Notification, result: Result) -> float | None:
    if result.outcome is not Outcome.FAILED_FOR_NOW:
        return None
    return again_after(note.attempts, result.retry_after).total_seconds()


def _send(claimed: Claimed, send: Send) -> Result:
    note = claimed.note
    try:
        address = contacts.open_address(claimed.contact)
    except sealing.SealBroken:
        return Result(Outcome.FAILED_FOR_GOOD, "none", detail="contact_unreadable", address_is_bad=True)
    subject, body = text(note, claimed.page_number, claimed.next_in, claimed.storm)
    return send(note.channel, Outgoing(reference=note.pk.hex, to=address, body=body, subject=subject))


def text(note: Notification, number: int, wait: float, storm: texts.Storm | None = None) -> tuple[str | None, str]:
    """Return subject (None for an SMS or a call) and body; `wait` is the seconds until the next person is told."""
    if storm is not None:
        return texts.mail_digest(storm) if note.channel == Channel.EMAIL else (None, texts.sms_digest(storm))
    if note.channel == Channel.EMAIL:
        return texts.mail_taken(number) if note.kind == "taken" else texts.mail_page(number, wait)
    if note.channel == Channel.VOICE:
        return None, texts.voice_page(number)
    if note.kind == "taken":
        return None, texts.sms_taken(number)
    return None, texts.sms_page(number, codes.code_for(note.pk), wait)


def _mark_contact(contact: Contact, result: Result) -> None:
    failing = result.address_is_bad
    if failing != contact.failing and (failing or result.outcome is Outcome.ACCEPTED):
        Contact.objects.filter(pk=contact.pk).update(failing=failing)
