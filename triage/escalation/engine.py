"""The ladder: starting a page and climbing until a person has opened it.

A climb is one short transaction under the locks of the case and the escalation: nothing is sent in
it. It writes notification rows; triage.escalation.deliver sends them.
"""

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from django.db import DatabaseError, transaction
from django.db.models import Q, QuerySet

from intake.models import Tip
from triage import rows
from triage.escalation import ladders, numbers, taking
from triage.escalation.ladders import Snapshot
from triage.models import (
    Case,
    Channel,
    Contact,
    Escalation,
    EscalationState,
    Notification,
    NotificationState,
)

log = logging.getLogger("tipline.escalation")

SENDABLE = (Channel.SMS, Channel.EMAIL)  # voice comes with the rota
SHORTEST_LOOP = 15  # seconds: a ladder set to zero must not spin


def start(case: Case, tip: Tip, *, urgency: str, now: datetime) -> Escalation:
    """Begin a page for a tip or follow-up and write its first notifications, due now.

    Called inside the transaction that stores the assessment; the caller wakes the pagers after it.
    """
    escalation = Escalation(program_id=case.program_id, case=case, tip=tip, urgency=urgency, opened_at=now, next_at=now)
    escalation.snapshot = ladders.snapshot(case.program_id, urgency, oversight=case.oversight)
    escalation.page_number = numbers.next_number(case.program_id)
    escalation.save(force_insert=True)
    _climb(escalation, now)
    return escalation


def climb_due(now: datetime, *, limit: int = 100) -> int:
    """Take every due escalation one step further; returns how many were due."""
    due = Escalation.objects.running().filter(next_at__lte=now).order_by("next_at")
    found = list(due.values_list("pk", "case_id")[:limit])
    return rows.one_by_one(lambda row: climb(*row, now), found)


def climb(escalation_id: UUID, case_id: UUID, now: datetime) -> bool:
    """Take one escalation a step further if it is due. False if it is not, or somebody holds it."""
    with transaction.atomic():
        rows.wait_at_most()
        case = Case.objects.select_for_update(no_key=True, skip_locked=True).filter(pk=case_id).first()
        if case is None:
            return False
        due = Escalation.objects.running().filter(pk=escalation_id, next_at__lte=now)
        escalation = due.select_for_update(no_key=True, skip_locked=True).first()
        if escalation is None:
            return False
        if escalation.state == EscalationState.TAKEN:
            # Their states cannot change meanwhile: that takes the case's lock.
            others = Escalation.objects.running().filter(case=case).exclude(pk=escalation.pk)
            taking.lapse(case, escalation, [escalation, *others])
        try:
            _climb(escalation, now)
        except DatabaseError:
            raise
        except Exception:
            # A snapshot that cannot be read must not be the reason that nobody is called.
            log.error("escalation.snapshot_unreadable %s", escalation.pk)
            escalation.snapshot = ladders.snapshot(case.program_id, escalation.urgency, oversight=case.oversight)
            escalation.step, escalation.loop = 0, escalation.loop + 1
            _climb(escalation, now)
        return True


def hurry(note: Notification, now: datetime) -> bool:
    """Make the next person's step due now, because this notification reached nobody.

    Only the newest step does so, and never across the end of the ladder: where nothing works at
    all, the ladder is climbed quickly once a loop, not for ever.
    """
    return bool(
        Escalation.objects.filter(
            pk=note.escalation_id,
            state=EscalationState.OPEN,
            loop=note.loop,
            step=note.step + 1,
            next_at__gt=now,
        ).update(next_at=now)
    )


def by_other_means(note: Notification, now: datetime) -> bool:
    """Tell the same person by their other channels at once. False if they have no other."""
    others = Contact.objects.filter(
        program_id=note.program_id, user_id=note.user_id, active=True, channel__in=SENDABLE
    ).exclude(channel=note.channel)
    return bool(
        _write(note.escalation_id, note.program_id, others.only("user_id", "channel"), note.step, note.loop, now)
    )


def _climb(escalation: Escalation, now: datetime) -> None:
    snapshot = ladders.of(escalation)
    step, loop = escalation.step, escalation.loop
    for _ in snapshot["steps"]:
        reached = _tell(escalation, snapshot, now)
        _advance(escalation, snapshot, now)
        if reached:
            break
    else:
        _tell_everyone(escalation, snapshot, step, loop, now)
        escalation.next_at = now + _pause(snapshot)
    escalation.generation += 1
    escalation.save(update_fields=["state", "taken_by", "snapshot", "step", "loop", "next_at", "generation"])


def _tell(escalation: Escalation, snapshot: Snapshot, now: datetime) -> bool:
    rung = snapshot["steps"][escalation.step]
    # Two people took it and did not open it: from now on everyone hears of it.
    people = snapshot["everyone"] if escalation.times_taken > 1 else rung["people"]
    contacts = _contacts(escalation, people).filter(channel__in=rung["channels"])
    return bool(_write(escalation.pk, escalation.program_id, contacts, escalation.step, escalation.loop, now))


def _tell_everyone(escalation: Escalation, snapshot: Snapshot, step: int, loop: int, now: datetime) -> None:
    contacts = _contacts(escalation, snapshot["everyone"])
    if not _write(escalation.pk, escalation.program_id, contacts, step, loop, now):
        log.error("escalation.nobody_can_be_reached %s", escalation.pk)


def _contacts(escalation: Escalation, people: Iterable[str]) -> QuerySet[Contact]:
    return Contact.objects.filter(
        program_id=escalation.program_id,
        user_id__in=list(people),
        user__is_active=True,
        active=True,
        channel__in=SENDABLE,
    ).only("user_id", "channel")


def _write(
    escalation_id: UUID, program_id: UUID, contacts: QuerySet[Contact], step: int, loop: int, now: datetime
) -> int:
    notes = [
        Notification(
            program_id=program_id,
            escalation_id=escalation_id,
            user_id=contact.user_id,
            contact_id=contact.pk,
            channel=contact.channel,
            step=step,
            loop=loop,
            due_at=now,
        )
        for contact in contacts
    ]
    # What still waits for these people is about the same page: the fresh row replaces it.
    stale = Notification.objects.filter(
        Q(lease_until=None) | Q(lease_until__lt=now),
        ~Q(step=step, loop=loop),
        escalation_id=escalation_id,
        contact_id__in=[note.contact_id for note in notes],
        kind="page",
        due_at__isnull=False,
    )
    stale.update(state=NotificationState.SUPERSEDED, due_at=None)
    Notification.objects.bulk_create(notes, ignore_conflicts=True)
    return len(notes)


def _advance(escalation: Escalation, snapshot: Snapshot, now: datetime) -> None:
    steps = snapshot["steps"]
    following = escalation.step + 1
    if following < len(steps):
        pause = timedelta(seconds=max(0, steps[following]["after"] - steps[escalation.step]["after"]))
    else:
        following, pause = 0, _pause(snapshot)
        escalation.loop += 1
    escalation.step, escalation.next_at = following, now + pause


def _pause(snapshot: Snapshot) -> timedelta:
    return timedelta(seconds=max(SHORTEST_LOOP, snapshot["loop_after"]))
