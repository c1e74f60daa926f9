"""The shifts: who is on call now, the coming week as a picture, gaps in red, and changing it."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.dates import WEEKDAYS
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from intake.models import Program
from tipline.kernel.clock import database_now
from triage.console import permissions, programs
from triage.console.people import own_program, own_role
from triage.console.requests import ConsoleRequest
from triage.escalation import rota
from triage.escalation.rota import DAY, Span
from triage.models import Role, Shift, User

DAYS_AHEAD = 14
PLACES = {
    0: gettext_lazy("First"),
    1: gettext_lazy("Second"),
    2: gettext_lazy("Third"),
    3: gettext_lazy("Fourth"),
    4: gettext_lazy("Fifth"),
}


class ShiftForm(forms.Form):
    """Who, on which days, from when to when, called first or next."""

    person = forms.ModelChoiceField(User.objects.none(), error_messages={"required": gettext_lazy("Choose who.")})
    days = forms.TypedMultipleChoiceField(
        choices=list(WEEKDAYS.items()), coerce=int, error_messages={"required": gettext_lazy("Choose a day or more.")}
    )
    starts = forms.TimeField(error_messages={"required": gettext_lazy("Say when it begins, like 18:00.")})
    ends = forms.TimeField(error_messages={"required": gettext_lazy("Say when it ends, like 06:00.")})
    place = forms.TypedChoiceField(choices=list(PLACES.items()), coerce=int)

    def __init__(self, *args: object, program: Program, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        people = rota.callable_people(program)
        self.fields["person"].queryset = User.objects.filter(pk__in=[each.pk for each in people]).order_by("name")  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Bar:
    """A piece of one day in the picture, in minutes of the clock on the wall."""

    x: int
    width: int
    empty: bool


@dataclass(frozen=True, slots=True)
class Day:
    """One day of the week that comes: its bars, and the same in words."""

    name: str
    bars: list[Bar]
    lines: list[str]


@require_safe
def show(request: ConsoleRequest) -> HttpResponse:
    """Show the rota of one's own program."""
    program = own_program(request)
    return _page(request, program, ShiftForm(program=program))


@require_POST
def add(request: ConsoleRequest) -> HttpResponse:
    """Put somebody on call at some hours of the week."""
    program = own_program(request)
    form = ShiftForm(request.POST, program=program)
    if not form.is_valid():
        return _page(request, program, form, status=422)
    given = form.cleaned_data
    try:
        rota.add(
            program,
            given["person"],
            given["days"],
            starts=given["starts"].hour * 60 + given["starts"].minute,
            ends=given["ends"].hour * 60 + given["ends"].minute,
            place=given["place"],
            by=request.user,
            now=database_now(),
        )
    except rota.NotCallable:
        form.add_error("person", _("This person reads no tips here, so nobody may call them at night."))
        return _page(request, program, form, status=422)
    messages.success(request, _("It stands. Pages that are out already go on as they began."))
    return redirect("console:rota")


@require_POST
def remove(request: ConsoleRequest, shift_id: UUID) -> HttpResponse:
    """Take a shift off the rota."""
    try:
        rota.remove(own_program(request), shift_id, by=request.user, now=database_now())
    except rota.NoSuchShift:
        raise Http404 from None
    messages.success(request, _("Taken off. Look below whether a gap is left."))
    return redirect("console:rota")


@require_POST
def hand_over(request: ConsoleRequest) -> HttpResponse:
    """Let a colleague do one shift on one day."""
    program = own_program(request)
    try:
        shift_id, day = request.POST.get("which", "").split("|")
        to = next(each for each in rota.callable_people(program) if str(each.pk) == request.POST.get("to"))
        rota.hand_over(program, UUID(shift_id), date.fromisoformat(day), to, by=request.user, now=database_now())
    except (ValueError, StopIteration, rota.NoSuchShift, rota.NotCallable):
        messages.error(request, _("Choose a shift and who does it."))
    else:
        messages.success(request, _("{name} does it. Tell each other.").format(name=to))
    return redirect("console:rota")


def _page(request: ConsoleRequest, program: Program, form: ShiftForm, *, status: int = 200) -> HttpResponse:
    now, zone = database_now(), ZoneInfo(program.timezone)
    today, start, end = rota.week_from(program, now)
    people = {user.pk: user for user in rota.callable_people(program)}
    shifts = list(Shift.objects.filter(program=program).select_related("user"))
    found = rota.spans(program, today - timedelta(days=2), today + timedelta(days=DAYS_AHEAD))
    # Who is called about ordinary tips: the people of the oversight side hear of their own alone.
    ordinary = {m.user_id for m in program.memberships.filter(role__in=[Role.COORDINATOR, Role.SUPERVISOR])}
    called = [span for span in found if span.user_id in ordinary]
    empty = rota.gaps(called, start, end) if shifts else []
    soon = [span for span in found if span.ends > now]
    context = {
        "here": "rota",
        "program": program,
        "form": form,
        "may_change": permissions.may(own_role(request), "console:rota_add", "POST"),
        "on_call": [people[pk] for pk in rota.on_call(program.pk, now) if pk in people],
        "plain": not shifts,
        "gaps": [f"{_moment(first, zone)} {_('to')} {_moment(last, zone)}" for first, last in empty],
        "days": [_day(today + timedelta(days=n), called, empty, people, zone) for n in range(7)] if shifts else [],
        "shifts": [(each, _hours(each)) for each in sorted(shifts, key=lambda s: (s.weekday, s.starts, s.place))],
        "soon": [(f"{span.shift_id}|{span.day}", _line(span, people, zone)) for span in soon],
        "people": list(people.values()),
        "weekdays": list(WEEKDAYS.items()),
        "chosen_days": [str(day) for day in (form.data.getlist("days") if form.is_bound else [])],  # type: ignore[attr-defined]
        "places": list(PLACES.items()),
        "zone": program.timezone,
        "current": programs.current(request),
    }
    return render(request, "console/rota.html", context, status=status)


def _day(
    day: date, found: list[Span], empty: list[tuple[datetime, datetime]], people: dict[UUID, User], zone: ZoneInfo
) -> Day:
    bars, lines = [], []
    pieces = [(span.begins, span.ends, people.get(span.user_id)) for span in found]
    for begins, ends, who in sorted([*pieces, *((*gap, None) for gap in empty)], key=lambda piece: piece[0]):
        first, last = _within(begins, day, zone), _within(ends, day, zone)
        if first >= last:
            continue
        bars.append(Bar(first, last - first, empty=who is None))
        name = who.name if who else _("Nobody")
        lines.append(f"{_clock(first)}–{_clock(last)} {name}")
    return Day(date_format(day, "D j M"), bars, lines)


def _within(moment: datetime, day: date, zone: ZoneInfo) -> int:
    """Return where a moment lies in a day, in minutes of its wall clock; 0 or 1440 if before or after it."""
    local = moment.astimezone(zone)
    if local.date() != day:
        return 0 if local.date() < day else DAY
    return local.hour * 60 + local.minute


def _hours(shift: Shift) -> str:
    return f"{WEEKDAYS[shift.weekday]} {_clock(shift.starts)}–{_clock(shift.ends)}"


def _line(span: Span, people: dict[UUID, User], zone: ZoneInfo) -> str:
    who = people.get(span.user_id)
    return f"{_moment(span.begins, zone)}–{date_format(span.ends.astimezone(zone), 'H:i')}: {who.name if who else '?'}"


def _moment(moment: datetime, zone: ZoneInfo) -> str:
    return date_format(moment.astimezone(zone), "l j M H:i")


def _clock(minute: int) -> str:
    return "24:00" if minute == DAY else f"{minute % DAY // 60:02}:{minute % 60:02}"
