"""What a person does to a page: take it, open it, pass it on.

Only a named person ends an escalation, in two steps. Taking pauses its ladder for five minutes;
opening ends it. Taken and not opened in time, the ladder climbs on (triage.escalation.engine).

Locks are always taken in one order: the case, then its escalations, then their notifications.
Whoever comes second finds what the first one wrote.
"""

from collections.abc import Container, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models.functions import TruncHour

from intake.actions import tell
from intake.models import Tip, TipStatus
from tipline.kernel import times
from triage.audit.chain import Event, record
from triage.escalation import ladders, wake
from triage.models import (
    Case,
    CaseStatus,
    Channel,
    Contact,
    Escalation,
    EscalationState,
    Notification,
    NotificationState,
    Recusal,
    User,
)

HOLDS = timedelta(minutes=5)
WAITING = (NotificationState.PENDING, NotificationState.FAILED_FOR_NOW, NotificationState.UNKNOWN)


class AlreadyTaken(Exception):
    """Somebody else has it in hand."""


class AlreadyEnded(Exception):
    """A person has opened it, or the case is closed: there is nothing left to take."""


class NotYours(Exception):
    """Only the person who took it can pass it on."""


@dataclass(frozen=True, slots=True)
class NextStep:
    """What happens if nobody does anything: who is told, by which means, in how many seconds."""

    names: tuple[str, ...]
    channels: tuple[str, ...]
    seconds: int


def take_case(case: Case, *, by: User, now: datetime) -> None:
    """Take a case on the board, with every page of it that nobody has yet.

    Taking what is yours already changes nothing, also not the five minutes.
    Raises AlreadyTaken, AlreadyEnded (closed).
    """
    with transaction.atomic():
        case, running = _locked(case.pk)
        free = [escalation for escalation in running if escalation.state == EscalationState.OPEN]
        if free:
            _take(case, free, by, now)
            return
        if case.status == CaseStatus.CLOSED:
            raise AlreadyEnded
        if case.status != CaseStatus.NEW:
            if case.taken_by_id != by.pk:
                raise AlreadyTaken
            return
        _take(case, [], by, now)


def take(escalation_id: UUID, *, by: User, now: datetime) -> None:
    """Take one page, as a reply to it does. Raises AlreadyTaken, AlreadyEnded."""
    with transaction.atomic():
        case, running = _locked(_case_of(escalation_id))
        escalation = next((found for found in running if found.pk == escalation_id), None)
        if escalation is None or Recusal.objects.filter(case=case, user=by).exists():
            raise AlreadyEnded
        if escalation.state == EscalationState.TAKEN:
            if escalation.taken_by_id != by.pk:
                raise AlreadyTaken
            return
        _take(case, [escalation], by, now)


def mark_opened(case: Case, *, by: User, now: datetime) -> None:
    """Say that a person has opened and read it: ends every page of the case and tells the sender.

    A closed case stays closed. The second of two people to open it changes nothing more.
    """
    with transaction.atomic():
        case, running = _locked(case.pk)
        for escalation in running:
            _end(escalation, by)
        if case.status == CaseStatus.CLOSED or (case.status == CaseStatus.OPEN and not case.unread and not running):
            return
        if case.status != CaseStatus.OPEN or case.taken_by_id is None:
            case.taken_by = by
        case.status, case.unread = CaseStatus.OPEN, 0
        _save(case)
        root = Tip.objects.only("status").get(pk=case.tip_id)
        fresh = Tip.objects.filter(follows=root, status=TipStatus.RECEIVED).only("status")
        for tip in (root, *fresh):
            tell(tip, TipStatus.OPENED)


def pass_on(case: Case, *, by: User, now: datetime) -> None:
    """Give back what you took: the next person is told at once. Raises NotYours."""
    with transaction.atomic():
        case, running = _locked(case.pk)
        mine = [escalation for escalation in running if escalation.taken_by_id == by.pk]
        if not mine and (case.status != CaseStatus.TAKEN or case.taken_by_id != by.pk):
            raise NotYours
        _give_back(case, mine, running, now)
        _record(case, Event.PASSED_ON, by, now)


def pass_page_on(escalation_id: UUID, *, by: User, now: datetime) -> None:
    """Give back one page, as the reply "27 PASS" does. Raises NotYours."""
    with transaction.atomic():
        case, running = _locked(_case_of(escalation_id))
        mine = [found for found in running if found.pk == escalation_id and found.taken_by_id == by.pk]
        if not mine:
            raise NotYours
        _give_back(case, mine, running, now)
        _record(case, Event.PASSED_ON, by, now)


def lapse(case: Case, escalation: Escalation, running: list[Escalation]) -> None:
    """Forget a taking that led to no opening; the engine, which holds both locks, then climbs on."""
    _release(case, [escalation], running)


def what_next(case: Case, *, now: datetime) -> NextStep | None:
    """Return what the ladder does next for this case; None while no page of it is running."""
    found = Escalation.objects.running().filter(case=case, next_at__isnull=False).order_by("next_at").first()
    return next_steps([found], now=now)[found.pk] if found else None


def next_steps(escalations: Sequence[Escalation], *, now: datetime) -> dict[UUID, NextStep]:
    """Return what the ladder does next for each of these running pages: two queries, whatever their number."""
    programs = {each.program_id for each in escalations}
    ways = Contact.objects.filter(program__in=programs, active=True, user__is_active=True)
    reached = set(ways.values_list("program_id", "user_id", "channel"))
    ahead = {each.pk: _next_people(each, reached) for each in escalations}
    wanted = {person for people, _ in ahead.values() for person in people}
    names = dict(User.objects.filter(pk__in=wanted).values_list("pk", "name"))
    return {
        each.pk: NextStep(
            tuple(names[person] for person in ahead[each.pk][0] if person in names),
            ahead[each.pk][1],
            max(0, round((each.next_at - now).total_seconds())) if each.next_at else 0,
        )
        for each in escalations
    }


def _next_people(
    escalation: Escalation, reached: Container[tuple[UUID, UUID, str]]
) -> tuple[list[UUID], tuple[str, ...]]:
    """Find the next rung that reaches somebody, as the engine will."""
    snapshot = ladders.of(escalation)
    steps = snapshot["steps"]
    for ahead in range(len(steps)):
        step = steps[(escalation.step + ahead) % len(steps)]
        wanted = [UUID(person) for person in (snapshot["everyone"] if escalation.times_taken > 1 else step["people"])]
        found = [
            (person, way)
            for person in wanted
            for way in step["channels"]
            if (escalation.program_id, person, way) in reached
        ]
        if found:
            return list(dict.fromkeys(person for person, _ in found)), tuple(dict.fromkeys(way for _, way in found))
    return [], ()


def _case_of(escalation_id: UUID) -> UUID:
    case_id: UUID = Escalation.objects.values_list("case_id", flat=True).get(pk=escalation_id)
    return case_id


def _locked(case_id: UUID) -> tuple[Case, list[Escalation]]:
    case = Case.objects.select_for_update(no_key=True).get(pk=case_id)
    running = Escalation.objects.running().filter(case=case).select_for_update(no_key=True)
    return case, list(running.order_by("page_number"))


def _take(case: Case, escalations: list[Escalation], by: User, now: datetime) -> None:
    for escalation in escalations:
        escalation.state, escalation.taken_by = EscalationState.TAKEN, by
        escalation.times_taken += 1
        escalation.next_at = now + HOLDS
        escalation.save(update_fields=["state", "taken_by", "times_taken", "next_at"])
        _supersede(escalation)
        _tell_taker(escalation, by, now)
    case.status, case.taken_by = CaseStatus.TAKEN, by
    _save(case)
    _record(case, Event.TAKEN, by, now)
    wake.wake_after_commit(wake.PAGE)


def _tell_taker(escalation: Escalation, by: User, now: datetime) -> None:
    contacts = Contact.objects.filter(program_id=escalation.program_id, user=by, active=True).only("channel")
    by_channel = {contact.channel: contact for contact in contacts}
    contact = by_channel.get(Channel.SMS) or by_channel.get(Channel.EMAIL)
    if contact is None:
        return
    note = Notification(
        program_id=escalation.program_id,
        escalation=escalation,
        user=by,
        contact=contact,
        channel=contact.channel,
        kind="taken",
        step=escalation.step,
        loop=escalation.loop,
        due_at=now,
    )
    # The same person may take, pass on and take again before the ladder moved.
    Notification.objects.bulk_create([note], ignore_conflicts=True)


def _give_back(case: Case, mine: list[Escalation], running: list[Escalation], now: datetime) -> None:
    _release(case, mine, running)
    for escalation in mine:
        escalation.next_at = now
        escalation.save(update_fields=["state", "taken_by", "next_at"])
    wake.wake_after_commit(wake.PAGE)


def _release(case: Case, escalations: list[Escalation], running: list[Escalation]) -> None:
    for escalation in escalations:
        escalation.state, escalation.taken_by = EscalationState.OPEN, None
    if case.status != CaseStatus.TAKEN:
        return
    still = [found for found in running if found.state == EscalationState.TAKEN]
    case.taken_by_id = still[0].taken_by_id if still else None
    case.status = CaseStatus.TAKEN if still else CaseStatus.NEW
    _save(case)


def _end(escalation: Escalation, by: User) -> None:
    escalation.state, escalation.next_at, escalation.ended_by = EscalationState.ENDED, None, by
    # A running page needs its seconds; a finished one keeps the hour, like every record of it.
    escalation.opened_at = times.hour(escalation.opened_at)
    # Which pages were alike is forgotten with them.
    escalation.incident = None
    escalation.save(update_fields=["state", "next_at", "ended_by", "opened_at", "incident"])
    _supersede(escalation)
    escalation.notifications.update(accepted_at=TruncHour("accepted_at", tzinfo=UTC))


def _supersede(escalation: Escalation) -> None:
    # A digest tells of others too; it looks for itself whether any is left.
    waiting = Notification.objects.filter(escalation=escalation, state__in=WAITING, due_at__isnull=False)
    waiting = waiting.exclude(kind="digest")
    waiting.update(state=NotificationState.SUPERSEDED, due_at=None)


def _save(case: Case) -> None:
    case.version += 1
    case.save(update_fields=["status", "taken_by", "unread", "version"])


def _record(case: Case, event: Event, by: User, now: datetime) -> None:
    # The tip is named, not read: the pagers' role sees no tip.
    record(case.program_id, event, now=now, actor=by, tip=Tip(pk=case.tip_id, program_id=case.program_id))
