"""The rows of the board: which cases, in which order, and what each row says."""

import hashlib
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.core.paginator import Page, Paginator
from django.db.models import Count, Exists, OuterRef, QuerySet, Sum

from intake.models import Due, Wrap, WrapPurpose
from triage.classify.taxonomy import Urgency as Level
from triage.console import labels, sheet
from triage.console.brief import Brief, briefs
from triage.console.filters import Choices, Filters, choices, closed_ones, is_due, narrowed
from triage.console.incidents_suggested import Suggestion, suggest
from triage.escalation import taking
from triage.models import READERS, Case, CaseStatus, Escalation, EscalationState, IdentityRequest, Role, Urgency, User
from triage.vault.keys import Unlocked

PER_PAGE = 50
BANNERS = 2
FAR = datetime(9999, 1, 1, tzinfo=UTC)
RANK = {level: rank for rank, level in enumerate(Urgency.values)}
FIRST = {level: rank if Level(level).pages else len(RANK) for level, rank in RANK.items()}
"""What cannot wait stands above all else, by its level."""


@dataclass(frozen=True, slots=True)
class Row:
    """One case as the board shows it."""

    case: Brief
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
class Found:
    """The cases a board is about, and those of them that stand on the page one looks at."""

    page: Page[Any]
    shown: list[Brief]
    known: sheet.Sheet
    sums: tuple[int, int, int]  # how many, their versions added up, their unread messages: does it look the same?
    together: Counter[UUID | None]  # tips of one event, by event
    suggestions: list[Suggestion[Brief]] = field(default_factory=list)
    not_opened_yet: int = 0


@dataclass(frozen=True, slots=True)
class Board:
    """All that the board shows."""

    page: Page[Any]
    rows: list[Row]
    banners: list[Banner]
    asking: list[Asking]
    suggestions: list[Suggestion[Brief]]
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
    running = Escalation.objects.running().filter(case__in=Case.objects.visible_to(user))
    pages = list(running.values_list("pk", "state", "next_at"))
    asking = [each.pk for each in _asking(user, now)]
    cases = visible(user, filters)
    sums = _seen(briefs(_page_of_closed(cases, filters, user))) if filters.closed else _added_up(cases)
    return _fingerprint(user, filters, unlocked, now, sums, pages, _assessing(user), asking)


def _added_up(cases: QuerySet[Case]) -> tuple[int, int, int]:
    sums = cases.aggregate(count=Count("pk"), versions=Sum("version"), unread=Sum("unread"))
    return sums["count"], sums["versions"] or 0, sums["unread"] or 0


def _seen(shown: list[Brief]) -> tuple[int, int, int]:
    """What a page of closed cases looks like: these very cases, as of these versions. Adding up all would take long."""
    return len(shown), hash(tuple((case.pk, case.version) for case in shown)), sum(case.unread for case in shown)


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
    pages = _running(user)
    running = _by_case(pages)
    found = _closed(user, filters, unlocked) if filters.closed else _open(user, filters, unlocked, running, now)
    # Few are announced: never one that somebody has in hand instead of one that nobody has.
    urgent_first = sorted(
        running.values(), key=lambda each: (each.state != EscalationState.OPEN, RANK[each.urgency], each.opened_at)
    )
    asking = _asking(user, now)
    assessing = _assessing(user)
    # The page that is shown, not one beyond the end that was asked for: the next look asks for this one.
    here = replace(filters, page=found.page.number)
    moving = [(each.pk, each.state, each.next_at) for each in pages]
    return Board(
        page=found.page,
        rows=[_row(case, found, running, user, now) for case in found.shown],
        banners=_banners(urgent_first[:BANNERS], now),
        asking=[Asking(each.case, labels.reference(each.case_id), each.asked_by.name) for each in asking],
        suggestions=found.suggestions,
        more_running=max(0, len(urgent_first) - BANNERS),
        waiting=sum(each.state == EscalationState.OPEN for each in running.values()),
        open_count=0 if filters.closed else found.sums[0],
        unread=found.sums[2],
        assessing=assessing,
        not_opened_yet=found.not_opened_yet,
        version=_fingerprint(user, here, unlocked, now, found.sums, moving, assessing, [each.pk for each in asking]),
        choices=choices(found.known if not filters.closed else {}, filters),
    )


def _open(
    user: User, filters: Filters, unlocked: Unlocked | None, running: dict[UUID, Escalation], now: datetime
) -> Found:
    """All open cases: their order hangs on what is sealed."""
    listed = briefs(visible(user, filters).order_by("pk"))
    known = sheet.facets_of(listed, unlocked) if unlocked else {}
    wanted = narrowed(listed, filters, user, known, now)
    wanted.sort(key=lambda case: _order(case, known, now))
    page = Paginator(_folded(wanted, running), PER_PAGE).get_page(filters.page)
    return Found(
        page,
        shown=list(page.object_list),
        known=known,
        sums=(len(listed), sum(case.version for case in listed), sum(case.unread for case in listed)),
        together=Counter(case.incident for case in listed if case.incident),
        suggestions=suggest(listed, known, now=now),
        not_opened_yet=len(listed) - len(known) if unlocked else 0,
    )


def _closed(user: User, filters: Filters, unlocked: Unlocked | None) -> Found:
    """One page of the closed cases: of a program of years there are many, and their order hangs on nothing sealed."""
    cases = visible(user, filters)
    page = Paginator(closed_ones(cases, filters, user).order_by("pk"), PER_PAGE).get_page(filters.page)
    shown = briefs(_page_of_closed(cases, replace(filters, page=page.number), user))
    events = cases.filter(incident__in={case.incident for case in shown if case.incident})
    return Found(
        page,
        shown,
        known=sheet.open_singly(shown, unlocked) if unlocked else {},
        sums=_seen(shown),
        together=Counter(events.values_list("incident", flat=True)),
    )


def _page_of_closed(cases: QuerySet[Case], filters: Filters, user: User) -> QuerySet[Case]:
    first = max(filters.page - 1, 0) * PER_PAGE
    wanted = closed_ones(cases, filters, user).order_by("pk").values("pk")[first : first + PER_PAGE]
    return Case.objects.filter(pk__in=wanted).order_by("pk")


def _folded(cases: list[Brief], running: dict[UUID, Escalation]) -> list[Brief]:
    """Let the first of each event stand for those of it that somebody works on.

    One that nobody has, that has something unread or whose page is running keeps its own row:
    putting tips together never takes from sight what waits for a person.
    """
    shown: list[Brief] = []
    stand_for = set[UUID]()
    for case in cases:
        waits = case.status in (CaseStatus.NEW, CaseStatus.TAKEN) or case.unread or case.pk in running
        if case.incident is None or waits:
            shown.append(case)
        elif case.incident not in stand_for:
            stand_for.add(case.incident)
            shown.append(case)
    return shown


def _order(case: Case | Brief, known: sheet.Sheet, now: datetime) -> tuple[object, ...]:
    """What cannot wait comes first, then what a sender added, then what is due; then by level and age."""
    facets = known.get(case.pk)
    quarter = facets.quarter if facets and facets.quarter else FAR
    return FIRST[case.urgency], not case.unread, not is_due(case, now), RANK[case.urgency], quarter


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


def _row(case: Brief, found: Found, running: dict[UUID, Escalation], user: User, now: datetime) -> Row:
    facets = found.known.get(case.pk)
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
        together=found.together[case.incident],
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
