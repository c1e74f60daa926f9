"""Who opened what, day by day: for a second person, without a word of any tip.

Of tips about the program's own people this tells oversight people only; oversight people see both sides.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.views.decorators.http import require_safe

from triage.audit.chain import Event
from triage.console import programs
from triage.console.labels import reference
from triage.console.requests import UNLOCKED, ConsoleRequest, open_to
from triage.models import AuditEntry, Case, Membership, Role, User

SHOWN = (Event.TIP_OPENED, Event.OPENED_MANY, Event.OPENED_ANOTHERS, Event.IDENTITY_OPENED, Event.STEPPED_ASIDE)
CHANGES = (
    Event.LET_IN, Event.CODE_GIVEN, Event.INVITATION_WITHDRAWN, Event.ROLE_CHANGED, Event.TAKEN_OFF, Event.KEY_ROTATED,
    Event.KIT_PRINTED, Event.ROTA_CHANGED, Event.CALL_CONTACTS_CHANGED, Event.SCHEDULE_CHANGED, Event.ADMINISTERED,
    Event.TOKEN_MADE, Event.TOKEN_REVOKED,
)  # fmt: skip
"""What people changed of the program itself."""
MOST = 1000


@dataclass(frozen=True, slots=True)
class Line:
    """One act: the hour, what, and on which tip. `case` leads to it where the reader of the list may see it."""

    hour: datetime
    what: str
    reference: str
    case: UUID | None
    asks: bool


@dataclass(frozen=True, slots=True)
class Reader:
    """What one person did on that day."""

    user: User
    tips: int
    lines: list[Line]


@dataclass(frozen=True, slots=True)
class Change:
    """What somebody changed of the program, and the hour."""

    hour: datetime
    who: str
    what: str


@open_to(UNLOCKED)
@require_safe
def show(request: ConsoleRequest) -> HttpResponse:
    """Show one day, today unless asked otherwise."""
    here = programs.current(request)
    if here is None:
        raise Http404
    zone = ZoneInfo(here.program.timezone)
    today = timezone.now().astimezone(zone).date()
    day = min(_day(request.GET.get("day", "")) or today, today)
    context = {
        "here": "opened",
        "day": day,
        "before": day - timedelta(days=1),
        "after": day + timedelta(days=1) if day < today else None,
        "readers": readers(here, request.user, day, zone),
        "changes": changes(here, day, zone),
        "zone": here.program.timezone,
    }
    return render(request, "console/opened.html", context)


def readers(here: Membership, user: User, day: date, zone: ZoneInfo) -> list[Reader]:
    """Who opened what on this day of the program, most tips first; three queries."""
    entries = list(
        _of_day(here, day, zone)
        .filter(event__in=SHOWN)
        .filter(tip__in=_known(here).values("tip"))
        .select_related("actor")
        .order_by("number")[:MOST]
    )
    tips = {entry.tip_id for entry in entries}
    cases = {tip: pk for pk, tip in Case.objects.filter(tip__in=tips).values_list("pk", "tip_id")}
    mine = set(Case.objects.visible_to(user).filter(tip__in=tips).values_list("pk", flat=True))
    by_person: dict[UUID, tuple[User, list[Line], set[UUID]]] = {}
    for entry in entries:
        if entry.actor is None or entry.tip_id is None:
            continue
        case = cases[entry.tip_id]
        event = Event(entry.event)
        line = Line(
            entry.hour, str(event.label), reference(case), case if case in mine else None,
            event in (Event.OPENED_MANY, Event.OPENED_ANOTHERS),
        )  # fmt: skip
        _, lines, opened = by_person.setdefault(entry.actor.pk, (entry.actor, [], set()))
        lines.append(line)
        opened.add(case)
    found = [Reader(person, len(opened), lines) for person, lines, opened in by_person.values()]
    return sorted(found, key=lambda reader: (-reader.tips, reader.user.name))


def changes(here: Membership, day: date, zone: ZoneInfo) -> list[Change]:
    """What was changed of the program itself on this day, in order; one query."""
    found = _of_day(here, day, zone).filter(event__in=CHANGES, tip=None, actor__isnull=False).select_related("actor")
    return [
        Change(entry.hour, entry.actor.name if entry.actor else "", str(Event(entry.event).label))
        for entry in found.order_by("number")[:MOST]
    ]


def _of_day(here: Membership, day: date, zone: ZoneInfo) -> QuerySet[AuditEntry]:
    begins = datetime.combine(day, datetime.min.time(), zone).astimezone(UTC)
    ends = datetime.combine(day + timedelta(days=1), datetime.min.time(), zone).astimezone(UTC)
    return AuditEntry.objects.filter(program=here.program_id, hour__gte=begins, hour__lt=ends)


def _known(here: Membership) -> QuerySet[Case]:
    """The tips this list may tell of."""
    cases = Case.objects.filter(program=here.program_id)
    return cases if here.role == Role.OVERSIGHT else cases.filter(oversight=False)


def _day(asked: str) -> date | None:
    try:
        return parse_date(asked)
    except ValueError:
        return None
