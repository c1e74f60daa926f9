"""Who was called about a tip, by what, and what came of it; and who is called next."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from triage.console import labels
from triage.escalation import attempts, taking
from triage.models import Attempt, Case, CaseStatus, Escalation, EscalationState, Notification, NotificationState

SHOWN = 12
"""Steps of the ladder shown, the last ones: a page that nobody opens climbs all night."""


@dataclass(frozen=True, slots=True)
class Call:
    """One person by one means: what each try came to, in order."""

    name: str
    way: str
    outcomes: list[str]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the ladder that was taken, e.g. "after 2 min"."""

    when: str
    calls: list[Call]


@dataclass(frozen=True, slots=True)
class Calls:
    """The page of a tip: the steps so far, the next one, and whether it still climbs."""

    running: bool
    taken: bool
    taker: str
    steps: list[Step]
    earlier: int
    next_names: str
    next_by: str
    countdown: str
    number: int = 0
    # Other pages of the same tip that still run: a follow-up has its own.
    others: "tuple[Calls, ...]" = ()


def of(case: Case, *, now: datetime) -> Calls | None:
    """Return the calls about a tip that is not closed; None if nobody was ever called for it.

    Of several pages (a follow-up has its own) the running one that nobody has taken comes first.
    """
    if case.status == CaseStatus.CLOSED:
        return None
    found = list(Escalation.objects.filter(case=case).select_related("taken_by").order_by("-opened_at"))
    if not found:
        return None
    page = min(
        found,
        key=lambda each: [EscalationState.OPEN, EscalationState.TAKEN, EscalationState.ENDED].index(
            EscalationState(each.state)
        ),
    )
    others = [each for each in found if each.state != EscalationState.ENDED and each.pk != page.pk]
    ahead = taking.next_steps([each for each in (page, *others) if each.state != EscalationState.ENDED], now=now)
    steps = _steps([page, *others])
    rest = tuple(_calls(each, ahead.get(each.pk), steps[each.pk]) for each in others)
    return replace(_calls(page, ahead.get(page.pk), steps[page.pk]), others=rest)


def _calls(page: Escalation, step: taking.NextStep | None, steps: list[Step]) -> Calls:
    running = page.state != EscalationState.ENDED
    return Calls(
        running=running,
        taken=page.state == EscalationState.TAKEN,
        taker=page.taken_by.name if page.taken_by else "",
        steps=steps[-SHOWN:],
        earlier=max(0, len(steps) - SHOWN),
        next_names=", ".join(step.names) if step else "",
        next_by=labels.channels(step.channels) if step else "",
        countdown=labels.countdown(step.seconds) if step else "",
        number=page.page_number,
    )


def _steps(pages: Sequence[Escalation]) -> dict[UUID, list[Step]]:
    """Return the steps taken of each page: two queries, whatever their number."""
    tried: dict[UUID, list[Attempt]] = {}
    for attempt in attempts.of(*pages):
        tried.setdefault(attempt.notification_id, []).append(attempt)
    notes = Notification.objects.filter(escalation__in=pages, kind__in=["page", "digest"]).select_related("user")
    rungs: dict[UUID, dict[tuple[int, int], list[Notification]]] = {page.pk: {} for page in pages}
    for note in notes.order_by("loop", "step", "user__name", "channel"):
        rungs[note.escalation_id].setdefault((note.loop, note.step), []).append(note)
    return {
        page.pk: [
            Step(_when(page, each), [_call(note, tried.get(note.pk, ())) for note in each])
            for each in rungs[page.pk].values()
        ]
        for page in pages
    }


def _call(note: Notification, tried: Iterable[Attempt]) -> Call:
    states = [attempt.result for attempt in tried]
    if not states or states[-1] != note.state:
        states.append(note.state)
    return Call(
        note.user.name, labels.channels([note.channel]), [str(NotificationState(state).label) for state in states]
    )


def _when(page: Escalation, notes: list[Notification]) -> str:
    """Say how long after the page began a step's first message went out: a failure makes the next step come early."""
    if page.state == EscalationState.ENDED:
        # Opened: its times were cut to the hour, and nothing finer is kept.
        return _("Called")
    out = min((note.accepted_at for note in notes if note.accepted_at), default=None)
    if out is None:
        return _("Not out yet")
    minutes = round((out - page.opened_at).total_seconds() / 60)
    if minutes < 1:
        return _("At once")
    return ngettext("After %(n)d minute", "After %(n)d minutes", minutes) % {"n": minutes}
