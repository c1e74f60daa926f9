"""The rota: who is on call at a moment, the shifts of the week, standing in for a colleague, and the gaps.

The database turns hours on the wall into moments (triage_shift_spans); this file asks it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection, transaction

from intake.models import Program
from triage.audit.chain import Event, record
from triage.models import Cover, Membership, Role, Shift, User

LAST_PLACE = 4
CALLABLE = (Role.COORDINATOR, Role.SUPERVISOR, Role.OVERSIGHT)
DAY = 24 * 60


class NotCallable(Exception):
    """This person reads no tips of this program, so nobody may call them at night."""


class NoSuchShift(Exception):
    """The shift is gone, or does not begin on that day."""


@dataclass(frozen=True, slots=True)
class Span:
    """One shift on one day, as moments; `day` is the one on which it begins."""

    shift_id: UUID
    day: date
    user_id: UUID
    place: int
    begins: datetime
    ends: datetime


def on_call(program_id: UUID, now: datetime | None = None) -> list[UUID]:
    """Return who is on call, first to last, now or at another moment; empty is nobody."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT user_id FROM triage_on_call(%s, coalesce(%s::timestamptz, clock_timestamp()))"
            " ORDER BY rank, user_id",
            [program_id, now],
        )
        return [row[0] for row in cursor.fetchall()]


def spans(program: Program, first: date, last: date) -> list[Span]:
    """Return every shift that begins on these days, in the order in which they begin."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT shift_id, day, user_id, place, begins, ends FROM triage_shift_spans(%s, %s, %s)"
            " ORDER BY begins, place, user_id",
            [program.pk, first, last],
        )
        return [Span(*row) for row in cursor.fetchall()]


def gaps(found: Iterable[Span], first: datetime, last: datetime) -> list[tuple[datetime, datetime]]:
    """Return the times between two moments at which nobody is on call."""
    empty, until = [], first
    for span in sorted(found, key=lambda each: each.begins):
        if span.begins > until:
            empty.append((until, min(span.begins, last)))
        until = max(until, span.ends)
        if until >= last:
            break
    if until < last:
        empty.append((until, last))
    return empty


def week_from(program: Program, now: datetime) -> tuple[date, datetime, datetime]:
    """Return today in the program's time zone, and the moments at which this day and the seventh after it begin."""
    zone = ZoneInfo(program.timezone)
    today = now.astimezone(zone).date()
    start, end = (datetime(day.year, day.month, day.day, tzinfo=zone) for day in (today, today + timedelta(days=7)))
    return today, start, end


def callable_people(program: Program) -> list[User]:
    """Return those who may be put on call."""
    people = User.objects.filter(memberships__program=program, memberships__role__in=CALLABLE, is_active=True)
    return list(people.order_by("name", "pk"))


@transaction.atomic
def add(
    program: Program,
    user: User,
    weekdays: Sequence[int],
    *,
    starts: int,
    ends: int,
    place: int,
    by: User,
    now: datetime,
) -> None:
    """Put somebody on call on these weekdays; `ends` at or before `starts` is on the next day.

    Pages that are out already go on as they began. Raises NotCallable.
    """
    _callable(program, user)
    until = ends if ends > starts else ends + DAY
    for weekday in weekdays:
        Shift.objects.update_or_create(
            program=program, user=user, weekday=weekday, starts=starts, place=place, defaults={"ends": until}
        )
    # The database must be able to read the time zone, or the next page could not be begun.
    on_call(program.pk, now)
    record(program, Event.ROTA_CHANGED, actor=by, now=now)


@transaction.atomic
def remove(program: Program, shift_id: UUID, *, by: User, now: datetime) -> None:
    """Take a shift off the rota. Raises NoSuchShift."""
    if not Shift.objects.filter(program=program, pk=shift_id).delete()[0]:
        raise NoSuchShift
    record(program, Event.ROTA_CHANGED, actor=by, now=now)


@transaction.atomic
def hand_over(program: Program, shift_id: UUID, day: date, to: User, *, by: User, now: datetime) -> None:
    """Let somebody do one shift on one day; to whose it is anyway undoes it. Raises NoSuchShift, NotCallable."""
    shift = Shift.objects.select_for_update().filter(program=program, pk=shift_id).first()
    if shift is None or shift.weekday != day.weekday():
        raise NoSuchShift
    _callable(program, to)
    if shift.user_id == to.pk:
        Cover.objects.filter(shift=shift, day=day).delete()
    else:
        Cover.objects.update_or_create(shift=shift, day=day, defaults={"program": program, "user": to})
    Cover.objects.filter(program=program, day__lt=(now - timedelta(days=3)).date()).delete()
    record(program, Event.ROTA_CHANGED, actor=by, now=now)


def forget(program: Program, user: User) -> None:
    """Take somebody who leaves off every shift."""
    Shift.objects.filter(program=program, user=user).delete()
    Cover.objects.filter(program=program, user=user).delete()


def _callable(program: Program, user: User) -> None:
    members = Membership.objects.filter(program=program, user=user, role__in=CALLABLE, user__is_active=True)
    if not members.exists():
        raise NotCallable
