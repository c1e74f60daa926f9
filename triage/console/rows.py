"""The rows of the board: which cases, in which order, and what each row says."""

import hashlib
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import UUID

from django.core.paginator import Page, Paginator
from django.db.models import Count, Exists, OuterRef, QuerySet, Sum, prefetch_related_objects

from intake.models import Due, Wrap, WrapPurpose
from triage.classify.taxonomy import Urgency as Level
from triage.console import labels, sheet
from triage.console.filters import Choices, Filters, choices, fits, is_due
from triage.console.incidents_suggested import Suggestion, suggest
from triage.escalation import taking
from triage.models import READERS, Case, CaseStatus, Escalation, EscalationState, IdentityRequest, Role, Urgency, User
from triage.vault.keys import Unlocked

PER_PAGE = 50
BANNERS = 2
FAR = datetime(9999, 1, 1, tzinfo=UTC)
RANK = {level: rank for rank, level in enumerate(Urgency.values)}


@dataclass(frozen=True, slots=True)
class Row:
    """One case as the board shows it."""

    case: Case
    reference: str
    known: bool
    categories: list[str]
    language: str
    age: str
    waiting: bool
    free: bool
    mine: bool
    due: bool = False  # somebody wanted to look again by now
    waits: bool = False  # for the sender
    handed: bool = False  # to this person, who has not said yet that they have it
    together: int = 0  # tips of its event, itself among them; 0 where nobody put it together with others


@dataclass(frozen=True, slots=True)
class Banner:
    """A page nobody has answered yet, and what happens next."""

    case: Case
    reference: str
    names: str
    channels: str
    countdown: str
    taken: bool


@dataclass(frozen=True, slots=True)
class Asking:
    """A colleague who waits for a second person before a sender's details are opened."""

    case: Case
    reference: str
    name: str


@dataclass(frozen=True, slots=True)
class Board:
    """All that the board shows."""

    page: Page[Case]
    rows: list[Row]
    banners: list[Banner]
    asking: list[Asking]
    suggestions: list[Suggestion]
    more_running: int
    waiting: int
    open_count: int
    unread: int
    assessing: int
    not_opened_yet: int
    version: str
    choices: Choices


def visible(user: User, filters: Filters) -> QuerySet[Case]:
    """The cases of a board, whoever has them: open ones, or closed ones."""
    cases = Case.objects.visible_to(user)
    if filters.closed:
        return cases.filter(status=CaseStatus.CLOSED)
    return cases.exclude(status=CaseStatus.CLOSED)


def fingerprint(user: User, filters: Filters, unlocked: Unlocked | None, now: datetime) -> str:
    """Say cheaply whether the board would look the same: four queries, whatever is on it."""
    sums = visible(user, filters).aggregate(count=Count("pk"), versions=Sum("version"), unread=Sum("unread"))
    running = Escalation.objects.running().filter(case__in=Case.objects.visible_to(user))
    cases = (sums["count"], sums["versions"] or 0, sums["unread"] or 0)
    pages = list(running.values_list("pk", "state", "next_at"))
    asking = [each.pk for each in _asking(user, now)]
    return _fingerprint(user, filters, unlocked, now, cases, pages, _assessing(user), asking)


def _fingerprint(
    user: User,
    filters: Filters,
    unlocked: Unlocked | None,
    now: datetime,
    cases: tuple[int, int, int],
    pages: list[tuple[UUID, str, datetime | None]],
    assessing: int,
    asking: list[UUID],
) -> str:
    # A running page counts down, so it is drawn anew each time; ages change by the quarter hour.
    moving = now.isoformat() if pages else str(int(now.timestamp()) // 300)
    parts = (user.pk, filters, unlocked is not None, cases, sorted(pages), assessing, sorted(asking), moving)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:20]


def board(user: User, filters: Filters, unlocked: Unlocked | None, *, now: datetime) -> Board:
    """Put the board together."""
    cases = list(visible(user, filters).order_by("pk"))
    known = _known(cases, filters, unlocked)
    found = _running(user)
    running = _by_case(found)
    wanted = [case for case in cases if fits(case, filters, user, known, now)]
    together = Counter(case.incident for case in cases if case.incident)
    if not filters.closed:
        wanted.sort(key=lambda case: _order(case, known, now))
    wanted = _folded(wanted, running)
    page = Paginator(wanted, PER_PAGE).get_page(filters.page)
    shown = list(page.object_list)
    prefetch_related_objects(shown, "taken_by")
    if filters.closed and unlocked:
        known = sheet.open_singly(shown, unlocked)
    # Few are announced: never one that somebody has in hand instead of one that nobody has.
    urgent_first = sorted(
        running.values(), key=lambda each: (each.state != EscalationState.OPEN, RANK[each.urgency], each.opened_at)
    )
    asking = _asking(user, now)
    assessing, unread = _assessing(user), sum(case.unread for case in cases)
    sums = (len(cases), sum(case.version for case in cases), unread)
    pages = [(each.pk, each.state, each.next_at) for each in found]
    return Board(
        page=page,
        rows=[
            replace(
                _row(case, known.get(case.pk), running, user, now),
                together=together[case.incident] if case.incident else 0,
            )
            for case in shown
        ],
        banners=_banners(urgent_first[:BANNERS], now),
        asking=[Asking(each.case, labels.reference(each.case_id), each.asked_by.name) for each in asking],
        suggestions=suggest(cases, known, now=now) if not filters.closed else [],
        more_running=max(0, len(urgent_first) - BANNERS),
        waiting=sum(each.state == EscalationState.OPEN for each in running.values()),
        open_count=0 if filters.closed else len(cases),
        unread=unread,
        assessing=assessing,
        not_opened_yet=len(cases) - len(known) if unlocked and not filters.closed else 0,
        version=_fingerprint(user, filters, unlocked, now, sums, pages, assessing, [each.pk for each in asking]),
        choices=choices(known, filters),
    )


def _known(cases: list[Case], filters: Filters, unlocked: Unlocked | None) -> sheet.Sheet:
    return sheet.facets_of(cases, unlocked) if unlocked and not filters.closed else {}


def _folded(cases: list[Case], running: dict[UUID, Escalation]) -> list[Case]:
    """Let the first of each event stand for those of it that somebody works on.

    One that nobody has, that has something unread or whose page is running keeps its own row:
    putting tips together never takes from sight what waits for a person.
    """
    shown: list[Case] = []
    stand_for = set[UUID]()
    for case in cases:
        waits = case.status in (CaseStatus.NEW, CaseStatus.TAKEN) or case.unread or case.pk in running
        if case.incident is None or waits:
            shown.append(case)
        elif case.incident not in stand_for:
            stand_for.add(case.incident)
            shown.append(case)
    return shown


def _order(case: Case, known: sheet.Sheet, now: datetime) -> tuple[object, ...]:
    """What cannot wait comes first, then what a sender added, then what is due; then by level and age."""
    facets = known.get(case.pk)
    quarter = facets.quarter if facets and facets.quarter else FAR
    rank = RANK[case.urgency]
    first = rank if Level(case.urgency).pages else len(RANK)
    return first, case.unread == 0, not is_due(case, now), rank, quarter, case.pk


def _running(user: User) -> list[Escalation]:
    found = Escalation.objects.running().filter(case__in=Case.objects.visible_to(user))
    return list(found.select_related("case").order_by("opened_at"))


def _by_case(found: list[Escalation]) -> dict[UUID, Escalation]:
    """The running page of each case; one that nobody has taken speaks for the others."""
    by_case: dict[UUID, Escalation] = {}
    for each in found:
        first = by_case.get(each.case_id)
        if first is None or (first.state != EscalationState.OPEN and each.state == EscalationState.OPEN):
            by_case[each.case_id] = each
    return by_case


def _row(case: Case, facets: sheet.Facets | None, running: dict[UUID, Escalation], user: User, now: datetime) -> Row:
    page = running.get(case.pk)
    waiting = page is not None and page.state == EscalationState.OPEN
    return Row(
        case=case,
        reference=labels.reference(case.pk),
        known=facets is not None,
        categories=[labels.category(code) for code in facets.categories] if facets else [],
        language=labels.language(facets.language) if facets else "",
        age=labels.age(facets.quarter, now) if facets else "",
        waiting=waiting,
        free=waiting or case.status == CaseStatus.NEW,
        mine=case.taken_by_id == user.pk,
        due=is_due(case, now),
        waits=case.waiting and not case.unread,
        handed=case.handed and case.taken_by_id == user.pk,
    )


def _banners(pages: list[Escalation], now: datetime) -> list[Banner]:
    steps = taking.next_steps(pages, now=now) if pages else {}
    return [_banner(page, steps[page.pk]) for page in pages]


def _banner(page: Escalation, step: taking.NextStep) -> Banner:
    return Banner(
        case=page.case,
        reference=labels.reference(page.case_id),
        names=", ".join(step.names),
        channels=labels.channels(step.channels),
        countdown=labels.countdown(step.seconds),
        taken=page.state == EscalationState.TAKEN,
    )


def _asking(user: User, now: datetime) -> list[IdentityRequest]:
    """Colleagues who ask for a second person; nobody agrees to their own asking."""
    found = IdentityRequest.objects.filter(case__in=Case.objects.visible_to(user), until__gt=now, agreed_by=None)
    return list(found.exclude(asked_by=user).select_related("case", "asked_by").order_by("until"))


def _assessing(user: User) -> int:
    """Tips that no case tells of yet. Those about our own people count for the people who read them only."""
    insider = Exists(Wrap.objects.filter(tip=OuterRef("tip"), purpose=WrapPurpose.OVERSIGHT))
    mine = user.memberships.filter(program=OuterRef("program"))
    others, oversight = Exists(mine.filter(role__in=READERS)), Exists(mine.filter(role=Role.OVERSIGHT))
    return Due.objects.filter((others & ~insider) | (oversight & insider)).count()
