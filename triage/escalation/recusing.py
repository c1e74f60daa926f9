"""Stepping aside: "I know these people". One press, no reason; undone by a colleague only.

Whoever steps aside is out of the tip's pages at once, the running ones included, and what they had in
hand goes on to the next person as if they had passed it on.
"""

from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from intake.models import Tip
from triage.audit.chain import Event, record
from triage.escalation import beginning, ladders, numbers, wake
from triage.escalation.beginning import NewPage
from triage.escalation.taking import WAITING
from triage.models import (
    READERS,
    Case,
    CaseStatus,
    Escalation,
    EscalationState,
    Membership,
    Notification,
    NotificationState,
    Recusal,
    Role,
    Urgency,
    User,
)

PAGES = (Urgency.IMMINENT, Urgency.URGENT)


class NobodyElse(Exception):
    """Nobody else reads these tips: stepping aside would leave it to nobody."""


@transaction.atomic
def step_aside(case: Case, *, by: User, now: datetime) -> None:
    """Take a person out of a tip, and see that another has it. Raises NobodyElse."""
    held = Case.objects.select_for_update(no_key=True).get(pk=case.pk)
    pages = Escalation.objects.running().filter(case=held).select_for_update(no_key=True)
    running = list(pages.order_by("page_number"))
    if not others(held, but=by).exists():
        raise NobodyElse
    Recusal.objects.bulk_create([Recusal(program_id=held.program_id, case=held, user=by)], ignore_conflicts=True)
    had_it = held.taken_by_id == by.pk
    for page in running:
        _leave_page(page, by, now)
    if had_it and held.status != CaseStatus.CLOSED:
        held.status, held.taken_by = CaseStatus.NEW, None
    held.version += 1
    held.save(update_fields=["status", "taken_by", "version"])
    record(held.program_id, Event.STEPPED_ASIDE, now=now, actor=by, tip=_named(held))
    if had_it and not running and held.urgency in PAGES and held.status != CaseStatus.CLOSED:
        # It was opened, so nothing pages any more, and now nobody works on it.
        _page_again(held, now)
    wake.wake_after_commit(wake.PAGE)


@transaction.atomic
def let_back(case: Case, user: User, *, by: User, now: datetime) -> bool:
    """Say that a colleague may see it again after all; False if they had not stepped aside, or are oneself."""
    held = Case.objects.select_for_update(no_key=True).get(pk=case.pk)
    gone, _ = Recusal.objects.filter(case=held, user=user).exclude(user=by).delete()
    if not gone:
        return False
    held.version += 1
    held.save(update_fields=["version"])
    record(held.program_id, Event.LET_BACK, now=now, actor=by, tip=_named(held))
    return True


def others(case: Case, *, but: User) -> QuerySet[Membership]:
    """The other people who read tips of this side, have signed in, and have not stepped aside from this one."""
    roles = [Role.OVERSIGHT] if case.oversight else READERS
    found = Membership.objects.filter(
        program=case.program_id, role__in=roles, user__is_active=True, user__key__isnull=False
    )
    return found.exclude(user=but).exclude(user__in=Recusal.objects.filter(case=case).values("user"))


def _leave_page(page: Escalation, by: User, now: datetime) -> None:
    page.snapshot = ladders.without(ladders.of(page), {by.pk})
    if page.taken_by_id == by.pk:
        page.state, page.taken_by = EscalationState.OPEN, None
    if page.state == EscalationState.OPEN:
        page.next_at = now
    page.save(update_fields=["snapshot", "state", "taken_by", "next_at"])
    mine = Notification.objects.filter(escalation=page, user=by)
    mine.update(code_used=True)
    waiting = mine.filter(state__in=WAITING, due_at__isnull=False).exclude(kind="digest")
    waiting.update(state=NotificationState.SUPERSEDED, due_at=None)


def _page_again(case: Case, now: datetime) -> None:
    """Begin its page, or its last page once more: a tip has one."""
    page = Escalation.objects.select_for_update(no_key=True).filter(tip=case.tip_id).first()
    if page is None:
        new = NewPage(case.program_id, case.pk, case.tip_id, case.urgency, oversight=case.oversight)
        beginning.begin([new], now=now)
        return
    page.urgency, page.joins = case.urgency, False
    page.snapshot = ladders.for_case(case, case.urgency)
    page.state, page.taken_by, page.ended_by = EscalationState.OPEN, None, None
    page.opened_at, page.times_taken = now, 0
    page.page_number = numbers.next_numbers(case.program_id, 1)[0]
    # Another round: each notification is told apart by its round.
    page.step, page.loop, page.next_at = 0, page.loop + 1, now
    page.save()


def _named(case: Case) -> Tip:
    return Tip(pk=case.tip_id, program_id=case.program_id)
