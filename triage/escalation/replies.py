"""What comes back from phones and carriers: a code takes, PASS passes on, STOP stops, receipts are noted.

None of it can end an escalation: whoever spoofs a number and guesses a code has silenced a page
for five minutes, and opened nothing.
"""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import DatabaseError, transaction
from django.db.models import F, Q, QuerySet

from tipline.kernel.sealing import SealBroken
from triage import rows
from triage.escalation import codes, contacts, drills, engine, keyed, taking, wake
from triage.escalation.events import UNDELIVERED, open_event
from triage.models import Channel, Contact, EscalationState, Notification, NotificationState, PagerEvent, User

log = logging.getLogger("tipline.escalation")

OUT = (
    NotificationState.SENDING,
    NotificationState.ACCEPTED,
    NotificationState.DELIVERED,
    NotificationState.UNKNOWN,
)
PUT_ASIDE = timedelta(minutes=10)


_FREE = """
SELECT id, sealed FROM triage_pagerevent WHERE lease_until IS NULL OR lease_until < %(now)s
LIMIT %(limit)s FOR UPDATE SKIP LOCKED
"""

# In one order, as deliver stores outcomes: two that hold some and want the others' would wait for each other.
_DELIVERED = """
WITH told AS (
    SELECT * FROM unnest(%(events)s::uuid[], %(notes)s::uuid[]) AS told(event, note)
), found AS (
    SELECT id FROM triage_notification WHERE id = ANY(%(notes)s::uuid[]) ORDER BY id FOR NO KEY UPDATE
), noted AS (
    UPDATE triage_notification note SET state = 'delivered', due_at = NULL
    FROM found WHERE note.id = found.id AND note.state = ANY(%(out)s::text[])
)
DELETE FROM triage_pagerevent event USING told JOIN found ON found.id = told.note
WHERE event.id = told.event RETURNING event.id
"""


def handle_waiting(now: datetime, *, limit: int = 100) -> int:
    """Handle the events providers left at the pager door, and delete them; returns how many there were.

    What says that a page was delivered is most of them, asks for nothing, and is noted together.
    """
    rows.wait_at_most()
    with transaction.atomic():
        found = rows.run(_FREE, {"now": now, "limit": limit})
        delivered = {pk: note for pk, sealed in found if (note := _delivered(sealed)) is not None}
        values = {"events": list(delivered), "notes": list(delivered.values()), "out": [str(state) for state in OUT]}
        noted = {pk for (pk,) in rows.run(_DELIVERED, values)} if delivered else set()
    return len(noted) + rows.one_by_one(lambda pk: _handle_one(pk, now), [pk for pk, _ in found if pk not in noted])


def _delivered(sealed: bytes) -> UUID | None:
    """Return the notification that this event says was delivered; None if it says anything else."""
    try:
        event = open_event(sealed)
        plain = event.get("kind") == "receipt" and event.get("status") == "delivered"
        return UUID(str(event.get("reference", ""))) if plain else None
    except (SealBroken, ValueError, AttributeError):
        return None


def _handle_one(event_id: UUID, now: datetime) -> None:
    rows.wait_at_most()
    try:
        with transaction.atomic():
            row = PagerEvent.objects.select_for_update(skip_locked=True).filter(pk=event_id).first()
            if row is None:
                return
            try:
                handle(open_event(bytes(row.sealed)), now)
            except (SealBroken, ValueError):
                log.error("pager_event.unreadable %s", event_id)
            row.delete()
    except DatabaseError:
        raise
    except Exception as fault:
        # One bad event must not hold up the others; it is tried again later.
        log.error("pager_event.failed %s %s", event_id, type(fault).__name__)
        PagerEvent.objects.filter(pk=event_id).update(lease_until=now + PUT_ASIDE)


def handle(event: Mapping[str, Any], now: datetime) -> None:
    """Do what one event asks for.

    {"kind": "sms", "from", "text"}, {"kind": "keyed", "reference", "id", "digits"} or
    {"kind": "receipt", "reference", "id", "status"}.
    """
    if event.get("kind") == "keyed":
        note = _by_reference(str(event.get("reference", "")), str(event.get("id", "")))
        if note is not None:
            keyed.handle(note, str(event.get("digits", "")), now)
        else:
            drills.answered_by_keys(str(event.get("reference", "")), str(event.get("digits", "")), now)
        return
    if event.get("kind") == "receipt":
        _receipt(str(event.get("reference", "")), str(event.get("id", "")), str(event.get("status", "")), now)
        return
    mac = contacts.sender_mac(str(event.get("from", "")))
    reply = codes.read(str(event.get("text", "")))
    if mac is None or reply is None:
        return
    if reply.stops:
        _stop(mac, now)
    elif reply.passes:
        _pass(mac, reply.page, now)
    elif not drills.answered_by_code(mac, reply.code, now):
        _code(mac, reply.code, now)


def _pages_for(mac: bytes) -> QuerySet[Notification]:
    """Pages still running for this number, whatever became of their sending, the newest first."""
    notes = Notification.objects.filter(
        kind="page", channel=Channel.SMS, contact__address_mac=mac, contact__active=True
    ).exclude(escalation__state=EscalationState.ENDED)
    return notes.order_by(F("accepted_at").desc(nulls_first=True), "pk")


def _code(mac: bytes, code: str, now: datetime) -> None:
    # Whoever has the code has the message: after a crash, or a carrier's wrong word, the row may say otherwise.
    live = _pages_for(mac).filter(
        Q(accepted_at=None) | Q(accepted_at__gt=now - codes.LIFETIME),
        user__is_active=True,
        code_used=False,
        code_misses__lt=codes.MISSES,
    )
    note = next((note for note in live.only("escalation", "user") if codes.matches(note.pk, code)), None)
    if note is None:
        for newest in live.filter(state__in=OUT)[:1]:
            Notification.objects.filter(pk=newest.pk).update(code_misses=F("code_misses") + 1)
        return
    try:
        taking.take(note.escalation_id, by=User(pk=note.user_id), now=now)
    except (taking.AlreadyTaken, taking.AlreadyEnded):
        return
    Notification.objects.filter(pk=note.pk).update(code_used=True)


def _pass(mac: bytes, page: int | None, now: datetime) -> None:
    notes = _pages_for(mac).select_related("escalation")
    if page is not None:
        notes = notes.filter(escalation__page_number=page)
    taken = [note for note in notes if note.escalation.taken_by_id == note.user_id]
    if taken:
        taking.pass_page_on(taken[0].escalation_id, by=User(pk=taken[0].user_id), now=now)
        return
    # Not taken yet: who cannot come makes the next person's turn come now, once for each page they got.
    for note in notes.filter(state__in=OUT)[:1]:
        if not note.code_used and engine.hurry(note, now):
            Notification.objects.filter(pk=note.pk).update(code_used=True)
            wake.wake_after_commit(wake.PAGE)


def _stop(mac: bytes, now: datetime) -> None:
    waiting = list(_pages_for(mac).filter(Q(state__in=OUT) | Q(due_at__isnull=False)))
    Contact.objects.filter(address_mac=mac, channel=Channel.SMS, active=True).update(active=False)
    log.warning("contact.stopped")
    for note in waiting:
        engine.hurry(note, now)
    wake.wake_after_commit(wake.PAGE)


def _receipt(reference: str, provider_reference: str, status: str, now: datetime) -> None:
    note = _by_reference(reference, provider_reference)
    if note is None:
        return
    if status == "delivered":
        Notification.objects.filter(pk=note.pk, state__in=OUT).update(state=NotificationState.DELIVERED, due_at=None)
    elif status in UNDELIVERED:
        failed = Notification.objects.filter(pk=note.pk, state=NotificationState.ACCEPTED)
        if failed.update(state=NotificationState.FAILED_FOR_GOOD) and note.kind == "page":
            engine.by_other_means(note, now)
            engine.hurry(note, now)
            wake.wake_after_commit(wake.PAGE)


def _by_reference(reference: str, provider_reference: str) -> Notification | None:
    try:
        found = Notification.objects.filter(pk=UUID(reference)).first()
    except ValueError:
        found = None
    if found is None and provider_reference:
        found = Notification.objects.filter(provider_reference=provider_reference).first()
    return found
