"""The ladder: climbing until a person has opened the page (triage.escalation.beginning starts it).

A climb is one short transaction under the locks of the case and the escalation: nothing is sent in
it. It writes notification rows; triage.escalation.deliver sends them.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import DatabaseError, transaction
from django.db.models import Q, QuerySet

from triage import rows
from triage.escalation import digests, ladders, taking
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

SENDABLE = (Channel.SMS, Channel.EMAIL, Channel.VOICE)
SHORTEST_LOOP = 15  # seconds: a ladder set to zero must not spin


def climb_due(now: datetime, *, limit: int = 100) -> int:
    """Take every due escalation one step further; returns how many were due."""
    due = Escalation.objects.running().filter(next_at__lte=now).order_by("next_at")
    found = list(due.values_list("pk", "case_id")[:limit])
    return rows.one_by_one(lambda row: climb(*row, now), found)


def climb(escalation_id: UUID, case_id: UUID, now: datetime) -> bool:
    """Take one escalation a step further if it is due. False if it is not, or somebody holds it."""
    rows.wait_at_most()
    with transaction.atomic():
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
            reached = advance(escalation, now, _reaching(escalation))
        except DatabaseError:
            raise
        except Exception:
            # A snapshot that cannot be read must not be the reason that nobody is called.
            log.error("escalation.snapshot_unreadable %s", escalation.pk)
            escalation.snapshot = ladders.for_case(case, escalation.urgency)
            escalation.step, escalation.loop = 0, escalation.loop + 1
            reached = advance(escalation, now, _reaching(escalation))
        escalation.save(update_fields=["state", "taken_by", "snapshot", "step", "loop", "next_at"])
        if escalation.joins:
            alone = digests.tell(escalation, reached.contacts, reached.step, reached.loop, now)
            reached = Reached(alone, reached.step, reached.loop)
        _tell(escalation.pk, escalation.program_id, reached, now)
        return True


def hurry(note: Notification, now: datetime) -> bool:
    """Make the next person's step due now, because this notification reached nobody.

    Only the newest step does so, and never across the end of the ladder: where nothing works at
    all, the ladder is climbed quickly once a loop, not for ever, and who is alone on it is not
    called again the moment they did not pick up.
    """
    waiting = Escalation.objects.filter(
        pk=note.escalation_id,
        state=EscalationState.OPEN,
        loop=note.loop,
        step=note.step + 1,
        next_at__gt=now,
    )
    found = waiting.first()
    return found is not None and not _begins_again(found) and bool(waiting.update(next_at=now))


def by_other_means(note: Notification, now: datetime) -> bool:
    """Tell the same person by their other channels at once. False if they have no other.

    What waits for one of these already is about the same page, and stays.
    """
    others = Contact.objects.filter(
        program_id=note.program_id, user_id=note.user_id, active=True, channel__in=SENDABLE
    ).exclude(channel=note.channel)
    found = list(others.only("user_id", "channel"))
    waiting = set(_waiting(note.escalation_id, found).values_list("contact_id", flat=True))
    reached = Reached([contact for contact in found if contact.pk not in waiting], note.step, note.loop)
    _write(note.escalation_id, note.program_id, reached, now)
    return bool(found)


@dataclass(frozen=True, slots=True)
class Reached:
    """Whom one step tells, and where on the ladder it stands."""

    contacts: list[Contact]
    step: int
    loop: int


Reach = Callable[[Iterable[str], Iterable[str]], list[Contact]]
"""How these people can be told by these means."""


def advance(escalation: Escalation, now: datetime, reach: Reach) -> Reached:
    """Find the next step that reaches somebody and move the escalation past it. Writes nothing."""
    snapshot = ladders.of(escalation)
    step, loop = escalation.step, escalation.loop
    for _ in snapshot["steps"]:
        found = Reached(_reached(escalation, escalation.step, reach), escalation.step, escalation.loop)
        _step_past(escalation, snapshot, now)
        if found.contacts:
            return found
    escalation.next_at = now + _pause(snapshot)
    found = Reached(reach(snapshot["everyone"], ladders.ALL_CHANNELS), step, loop)
    if not found.contacts:
        log.error("escalation.nobody_can_be_reached %s", escalation.pk)
    return found


def _reached(escalation: Escalation, step: int, reach: Reach) -> list[Contact]:
    snapshot = ladders.of(escalation)
    rung = snapshot["steps"][step]
    # Two people took it and did not open it: from now on everyone hears of it.
    people = snapshot["everyone"] if escalation.times_taken > 1 else rung["people"]
    return reach(people, rung["channels"])


def _begins_again(escalation: Escalation) -> bool:
    """Whether the next to be told are those of a new loop, for the rest of this one reaches nobody."""
    reach, length = _reaching(escalation), len(ladders.of(escalation)["steps"])
    for place in range(escalation.step, escalation.step + length):
        if _reached(escalation, place % length, reach):
            return place >= length
    return False


def _reaching(escalation: Escalation) -> Reach:
    def reach(people: Iterable[str], channels: Iterable[str]) -> list[Contact]:
        found = Contact.objects.filter(
            program_id=escalation.program_id,
            user_id__in=list(people),
            user__is_active=True,
            active=True,
            channel__in=[channel for channel in channels if channel in SENDABLE],
        )
        return list(found.only("user_id", "channel"))

    return reach


def _tell(escalation_id: UUID, program_id: UUID, reached: Reached, now: datetime) -> None:
    # What still waits for these people is about the same page. What was never tried becomes this step's and keeps
    # its place among all that waits: a fresh row would begin at the end, and behind a long queue so at every step.
    # What was tried and failed is replaced: the fresh row goes out at once.
    waiting = _waiting(escalation_id, reached.contacts).exclude(step=reached.step, loop=reached.loop)
    free = waiting.filter(Q(lease_until=None) | Q(lease_until__lt=now))
    untried = free.filter(attempts=0).order_by("-due_at")
    longest = {contact: pk for pk, contact in untried.values_list("pk", "contact_id")}
    if longest:
        free.filter(pk__in=longest.values(), attempts=0).update(step=reached.step, loop=reached.loop)
    free.update(state=NotificationState.SUPERSEDED, due_at=None)
    _write(escalation_id, program_id, reached, now)


def _waiting(escalation_id: UUID, people: Iterable[Contact]) -> QuerySet[Notification]:
    """What of this page is to go out to them."""
    return Notification.objects.filter(
        escalation_id=escalation_id,
        contact_id__in=[contact.pk for contact in people],
        kind="page",
        due_at__isnull=False,
    )


def _write(escalation_id: UUID, program_id: UUID, reached: Reached, now: datetime) -> None:
    Notification.objects.bulk_create(notes(escalation_id, program_id, reached, now), ignore_conflicts=True)


def notes(escalation_id: UUID, program_id: UUID, reached: Reached, now: datetime) -> list[Notification]:
    """Return the notifications of one step, due now; they are not stored yet."""
    return [
        Notification(
            program_id=program_id,
            escalation_id=escalation_id,
            user_id=contact.user_id,
            contact_id=contact.pk,
            channel=contact.channel,
            step=reached.step,
            loop=reached.loop,
            due_at=now,
        )
        for contact in reached.contacts
    ]


def _step_past(escalation: Escalation, snapshot: Snapshot, now: datetime) -> None:
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
