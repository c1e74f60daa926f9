"""The numbers: what the classifier says week by week, and how it does where people corrected it."""

from dataclasses import dataclass
from datetime import date

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from triage.audit.chain import Event, record
from triage.console import labels
from triage.console.requests import UNLOCKED, ConsoleRequest, open_to
from triage.learning import measuring, shares
from triage.learning.shares import Cell, Drift, Line
from triage.models import READERS, Role, Urgency

HEIGHT, STEP = 40, 20
MOVED: dict[int, str | Promise] = {0: "", 1: _("more than before"), -1: _("less than before")}


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a picture, in its own units."""

    x: int
    y: int
    height: int


@dataclass(frozen=True, slots=True)
class Picture:
    """One category or level, as bars and as numbers."""

    name: str
    before: Cell
    weeks: tuple[tuple[Cell, date], ...]
    bars: tuple[Bar, ...]
    usual: int | None
    moved: str | Promise


@open_to(UNLOCKED)
@require_safe
def show(request: ConsoleRequest) -> HttpResponse:
    """Show the shares by week."""
    return _page(request)


@open_to(UNLOCKED)
@require_POST
def measure(request: ConsoleRequest) -> HttpResponse:
    """Show the same page with the model measured on the corrections; it is asked for, as it takes a moment."""
    found = measuring.measure(request.user, request.vault) if request.vault else None
    # It opens many tips at once, if only for a program to read: that is on record.
    for program in request.user.memberships.filter(role__in=[*READERS, Role.OVERSIGHT]).values_list(
        "program_id", flat=True
    ):
        record(program, Event.MEASURED, actor=request.user, now=timezone.now())
    named = [(labels.category(each.code), each) for each in found.categories] if found else []
    return _page(request, {"measured": found, "named": named})


def _page(request: ConsoleRequest, more: dict[str, object] | None = None) -> HttpResponse:
    found = shares.drift(request.user, request.vault, now=timezone.now()) if request.vault else None
    parts = _parts(found) if found and found.whole else []
    few = shares.FEW
    return render(
        request, "console/numbers.html", {"here": "numbers", "drift": found, "parts": parts, "few": few} | (more or {})
    )


def _parts(found: Drift) -> list[tuple[str | Promise, list[Picture]]]:
    levels = [_picture(str(Urgency(line.code).label), line, found.mondays) for line in found.levels]
    categories = [_picture(labels.category(line.code), line, found.mondays) for line in found.categories]
    return [(_("Levels"), levels), (_("Categories"), categories)]


def _picture(name: str, line: Line, mondays: tuple[date, ...]) -> Picture:
    cells = (line.before, *line.weeks)
    # A rare category fills its picture too: the highest share is as high as the picture.
    top = max(*(cell.percent for cell in cells), 1)
    heights = [HEIGHT * cell.percent // top for cell in cells]
    bars = tuple(Bar(STEP * place, HEIGHT - height, height) for place, height in enumerate(heights[1:]))
    usual = None if line.before.few else HEIGHT - heights[0]
    return Picture(name, line.before, tuple(zip(line.weeks, mondays, strict=True)), bars, usual, MOVED[line.moved])
